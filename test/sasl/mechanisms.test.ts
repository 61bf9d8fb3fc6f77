// The mechanisms on both sides: RFC 4616, 4422, 5802 §5, 7677 §3 (R141, R142, S62, S67, S68).

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import { Bad, No } from "../../lib/base/fault.ts";
import type { ServerContext, ServerMechanism, Verifier } from "../../lib/sasl/mechanism.ts";
import { chooseMechanism, clientMechanisms, offeredMechanisms, serverMechanisms } from "../../lib/sasl/mechanisms.ts";
import { scramClient, scramServer } from "../../lib/sasl/scram.ts";
import { deriveScramKeys, type ScramHash } from "../../lib/sasl/scram-keys.ts";
import { credentials, playExchange, serverContext } from "../support/sasl-exchange.ts";

/** One user, with any password the test chooses. */
function verifierFor(user: string, password: string, state: "enabled" | "disabled" = "enabled"): Verifier {
  return {
    checkPassword: async (name, typed) => {
      if (name !== user || typed !== password) return "wrong";
      return state === "enabled" ? "ok" : "disabled";
    },
    scramKeys: async (name, hash) => {
      const keys = await deriveScramKeys(hash, password, Buffer.from("salt"), 4096);
      return { ...keys, isReal: name === user && state === "enabled" };
    },
  };
}

const passwordPairs = serverMechanisms.flatMap((server) => {
  const client = clientMechanisms.find((each) => each.name === server.name);
  return server.name === "EXTERNAL" || !client ? [] : [[server.name, server, client] as const];
});

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
  } catch (fault) {
    if (fault instanceof No) return fault.code;
    throw fault;
  }
  throw new Error("nothing was refused");
}

describe.each(passwordPairs)("%s", (_name, server, client) => {
  const context = serverContext(verifierFor("ann", "secret"));

  test("proves who the client is, with and without an initial response", async () => {
    const expected = { authenticationId: "ann", authorizationId: "ann" };
    expect(await playExchange(server, client, context, credentials("ann", "secret"))).toEqual(expected);
    expect(await playExchange(server, client, context, credentials("ann", "secret"), false)).toEqual(expected);
  });

  test("refuses a wrong password, an unknown user and a disabled account with AUTHENTICATIONFAILED (S68)", async () => {
    const disabled = serverContext(verifierFor("ann", "secret", "disabled"));
    const attempts = [
      playExchange(server, client, context, credentials("ann", "Secret")),
      playExchange(server, client, context, credentials("bob", "secret")),
      playExchange(server, client, disabled, credentials("ann", "secret")),
    ];
    expect(await Promise.all(attempts.map(codeOf))).toEqual(Array(3).fill("AUTHENTICATIONFAILED"));
  });

  test("both sides agree on every name and password that SASLprep lets pass", async () => {
    const text = fc.string({ unit: fc.constantFrom(..."abZ09=,@ü€ßé \u{1f600}"), minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(text, text, async (user, password) => {
        const own = serverContext(verifierFor(user.normalize("NFKC"), password.normalize("NFKC")));
        const outcome = await playExchange(server, client, own, credentials(user, password));
        expect(outcome.authenticationId).toBe(user.normalize("NFKC"));
      }),
      { numRuns: 30 },
    );
  });
});

test.each(passwordPairs.filter(([name]) => name !== "LOGIN"))(
  "%s carries an authorization id (S65, S67)",
  async (_name, server, client) => {
    const context = serverContext(verifierFor("ann", "secret"));
    const outcome = await playExchange(server, client, context, credentials("ann", "secret", "bob"));
    expect(outcome).toEqual({ authenticationId: "ann", authorizationId: "bob" });
  },
);

test("the LOGIN client refuses to act for somebody else", () => {
  const login = clientMechanisms.find((each) => each.name === "LOGIN")!;
  expect(() => login.start(credentials("ann", "secret", "bob")).next()).toThrow("authorization id");
});

/** Sends these messages to a server mechanism; the challenges it answers with, then the outcome. */
async function send(server: ServerMechanism, context: ServerContext, messages: readonly string[]) {
  const [initial, ...rest] = messages.map(encodeUtf8);
  const exchange = server.start(context, initial);
  const challenges: string[] = [];
  let step = await exchange.next();
  while (!step.done) {
    challenges.push(decodeUtf8(step.value));
    step = await exchange.next(rest.shift());
  }
  return { challenges, outcome: step.value };
}

describe("SCRAM reproduces the exchange of", () => {
  const examples = [
    {
      rfc: "RFC 5802 §5",
      hash: "SHA-1",
      clientNonce: "fyko+d2lbbFgONRv9qkxdawL",
      serverNonce: "3rfcNHYJY1ZVvWVs7j",
      salt: "QSXCR+Q6sek8bf92",
      messages: [
        "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
      ],
    },
    {
      rfc: "RFC 7677 §3",
      hash: "SHA-256",
      clientNonce: "rOprNGfwEbeRWgbNEkqO",
      serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
      salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
      messages: [
        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
      ],
    },
  ] as const;

  test.each(examples)("$rfc", async ({ hash, clientNonce, serverNonce, salt, messages }) => {
    const [clientFirst, serverFirst, clientFinal, serverFinal] = messages;
    const keys = await deriveScramKeys(hash, "pencil", Buffer.from(salt, "base64"), 4096);
    const verifier: Verifier = { checkPassword: async () => "wrong", scramKeys: async () => keys };
    const server = scramServer(hash, () => serverNonce);
    const played = await send(server, serverContext(verifier), [clientFirst, clientFinal, ""]);
    expect(played.challenges).toEqual([serverFirst, serverFinal]);
    expect(played.outcome.authenticationId).toBe("user");

    const client = scramClient(hash, () => clientNonce).start(credentials("user", "pencil"));
    expect(decodeUtf8(client.next().value!)).toBe(clientFirst);
    expect(decodeUtf8(client.next(encodeUtf8(serverFirst)).value!)).toBe(clientFinal);
    expect(client.next(encodeUtf8(serverFinal)).value).toEqual(new Uint8Array(0));
  });
});

describe("the SCRAM server", () => {
  const context = serverContext(verifierFor("ann", "secret"));
  const server = scramServer("SHA-256", () => "SERVER");

  test.each([
    ["", "nothing"],
    ["x,,n=ann,r=abc", "an unknown binding flag"],
    ["n,n=ann,r=abc", "a missing header part"],
    ["n,,m=ext,n=ann,r=abc", "a mandatory extension"],
    ["n,,n=,r=abc", "an empty name"],
    ["n,,n=a=2X,r=abc", "a broken escape"],
    ["n,,n=ann,r=", "an empty nonce"],
    ["n,,r=abc,n=ann", "the wrong order"],
    ["p=tls-exporter,,n=ann,r=abc", "a channel binding that was not offered"],
    ["n,,n=a\u0000nn,r=abc", "a control character"],
  ])("refuses %p: %s", async (first) => {
    await expect(send(server, context, [first])).rejects.toBeInstanceOf(Bad);
  });

  test("accepts the flag of a client that knows bindings but saw none offered", async () => {
    const step = await server.start(context, encodeUtf8("y,,n=ann,r=abc")).next();
    expect(step.done ? "" : decodeUtf8(step.value)).toStartWith("r=abcSERVER,s=");
  });

  test("refuses a final message whose header or nonce changed on the way (R142)", async () => {
    const proof = Buffer.alloc(32).toString("base64");
    const altered = [`c=eSws,r=abcSERVER,p=${proof}`, `c=biws,r=abcOTHER,p=${proof}`, `c=biws,r=abc,p=${proof}`];
    for (const final of altered) {
      expect(await codeOf(send(server, context, ["n,,n=ann,r=abc", final]))).toBe("AUTHENTICATIONFAILED");
    }
  });

  test("challenges an unknown user like a known one", async () => {
    const first = async (name: string) => {
      const step = await server.start(context, encodeUtf8(`n,,n=${name},r=abc`)).next();
      return step.done ? "" : decodeUtf8(step.value);
    };
    expect(await first("nobody")).toBe(await first("ann"));
  });
});

describe("the SCRAM client refuses", () => {
  const hash: ScramHash = "SHA-1";
  const salt = "QSXCR+Q6sek8bf92";
  test.each([
    [`r=other,s=${salt},i=4096`, "another nonce"],
    [`r=own,s=${salt},i=4096`, "a nonce without the server's part"],
    [`r=ownMORE,s=${salt},i=1000`, "too few iterations"],
    [`r=ownMORE,s=${salt},i=999999999`, "too many iterations"],
    ["r=ownMORE,s=!,i=4096", "a salt that is not base64"],
    ["e=other-error", "an error"],
  ])("%p: %s", (serverFirst) => {
    const client = scramClient(hash, () => "own").start(credentials("user", "pencil"));
    client.next();
    expect(() => client.next(encodeUtf8(serverFirst))).toThrow(Bad);
  });

  test("a server that does not know the password", () => {
    const client = scramClient(hash, () => "own").start(credentials("user", "pencil"));
    client.next();
    client.next(encodeUtf8(`r=ownMORE,s=${salt},i=4096`));
    expect(() => client.next(encodeUtf8("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="))).toThrow("did not prove");
  });
});

test.each(["ann\0secret", "\0ann\0secret\0more", "\0\0secret", "\0ann\0", "\0a\u0007nn\0secret"])(
  "the PLAIN server refuses %p as malformed",
  async (message) => {
    const plain = serverMechanisms.find((each) => each.name === "PLAIN")!;
    const context = serverContext(verifierFor("ann", "secret"));
    await expect(send(plain, context, [message])).rejects.toBeInstanceOf(Bad);
    const notUtf8 = plain.start(context, Buffer.from("\0ann\0\xff", "latin1")).next();
    await expect(notUtf8).rejects.toBeInstanceOf(Bad);
  },
);

test("EXTERNAL takes the name from the layer below, and the authorization id from the client", async () => {
  const [server, client] = [serverMechanisms[0]!, clientMechanisms[0]!];
  const context = serverContext(verifierFor("", ""), { externalId: "proxy1" });
  expect(await playExchange(server, client, context, credentials("", ""))).toEqual({
    authenticationId: "proxy1",
    authorizationId: "proxy1",
  });
  expect((await playExchange(server, client, context, credentials("", "", "ann"))).authorizationId).toBe("ann");
});

describe("offeredMechanisms()", () => {
  const names = (context: ServerContext, isPlaintextAllowed = false, list: readonly string[] = []) =>
    offeredMechanisms(context, isPlaintextAllowed, list).map((each) => each.name);
  const full = verifierFor("ann", "secret");
  const passwordsOnly: Verifier = { checkPassword: full.checkPassword };

  test("offers everything that can work under TLS when no mechanisms are listed, strongest first", () => {
    expect(names(serverContext(full, { externalId: "ann" }))).toEqual([
      "EXTERNAL",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "PLAIN",
      "LOGIN",
    ]);
    expect(names(serverContext(passwordsOnly))).toEqual(["PLAIN", "LOGIN"]);
  });

  test("offers no plaintext in the clear unless it is allowed, and only what is listed (R10)", () => {
    const clear = serverContext(full, { isSecure: false });
    expect(names(clear)).toEqual(["SCRAM-SHA-256", "SCRAM-SHA-1"]);
    expect(names(clear, true, ["plain", "SCRAM-SHA-1"])).toEqual(["SCRAM-SHA-1", "PLAIN"]);
    expect(names(serverContext(passwordsOnly, { isSecure: false }))).toEqual([]);
  });
});

test("chooseMechanism() takes the strongest that both sides can use", () => {
  const usual = { isSecure: true, hasExternal: false, hasPassword: true, isProxying: true };
  const all = ["LOGIN", "PLAIN", "GSSAPI", "scram-sha-1", "EXTERNAL"];
  expect(chooseMechanism({ ...usual, offered: all })?.name).toBe("SCRAM-SHA-1");
  expect(chooseMechanism({ ...usual, offered: all, allowed: ["plain"] })?.name).toBe("PLAIN");
  expect(chooseMechanism({ ...usual, offered: all, hasExternal: true })?.name).toBe("EXTERNAL");
  expect(chooseMechanism({ ...usual, offered: ["PLAIN"], isSecure: false })).toBeUndefined();
  expect(chooseMechanism({ ...usual, offered: ["LOGIN"] })).toBeUndefined();
  expect(chooseMechanism({ ...usual, offered: ["LOGIN"], isProxying: false })?.name).toBe("LOGIN");
  expect(chooseMechanism({ ...usual, offered: ["PLAIN"], hasPassword: false })).toBeUndefined();
});
