import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { No } from "../../lib/base/fault.ts";
import type { Verifier } from "../../lib/sasl/mechanism.ts";
import { saslauthdVerifier } from "../../lib/sasl/saslauthd.ts";
import { createVerifier, inOrder } from "../../lib/sasl/verify.ts";

const cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const action of cleanUp.splice(0).reverse()) action();
});

/** A saslauthd that answers each question (its four fields) with what `answer` says, one octet at a time; undefined: never. */
function fakeSaslauthd(answer: (fields: string[]) => string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-saslauthd-"));
  cleanUp.push(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "mux");
  const listener = Bun.listen<{ received: Buffer }>({
    unix: path,
    socket: {
      open: (socket) => {
        socket.data = { received: Buffer.alloc(0) };
      },
      data(socket, bytes) {
        socket.data.received = Buffer.concat([socket.data.received, bytes]);
        const fields = readFields(socket.data.received);
        const text = fields.length === 4 ? answer(fields) : undefined;
        if (text === undefined) return;
        const reply = Buffer.alloc(2 + text.length);
        reply.writeUInt16BE(text.length);
        reply.write(text, 2);
        for (const octet of reply) socket.write(Buffer.from([octet]));
      },
    },
  });
  cleanUp.push(() => listener.stop(true));
  return path;
}

function readFields(bytes: Buffer): string[] {
  const fields: string[] = [];
  let at = 0;
  while (at + 2 <= bytes.length && at + 2 + bytes.readUInt16BE(at) <= bytes.length) {
    const length = bytes.readUInt16BE(at);
    fields.push(bytes.toString("utf8", at + 2, at + 2 + length));
    at += 2 + length;
  }
  return fields;
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const fault = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(fault instanceof No)) throw new Error(`expected No, got ${fault}`);
  return fault.code;
}

describe("saslauthdVerifier()", () => {
  test("asks with user, password, service and realm", async () => {
    const asked: string[][] = [];
    const path = fakeSaslauthd((fields) => {
      asked.push(fields);
      return fields[1] === "sécret" ? "OK" : "NO authentication failure";
    });
    const verifier = saslauthdVerifier({ path, service: "imap", timeoutMs: 5_000 });
    expect(await verifier.checkPassword("ann", "sécret")).toBe("ok");
    expect(await verifier.checkPassword("ann@example.org", "wrong")).toBe("wrong");
    expect(asked).toEqual([
      ["ann", "sécret", "imap", ""],
      ["ann", "wrong", "imap", "example.org"],
    ]);
  });

  test("sends passwords longer than a socket takes at once, and refuses those that do not fit", async () => {
    const long = "x".repeat(65_000);
    const path = fakeSaslauthd((fields) => (fields[1] === long ? "OK Success" : "NO"));
    const verifier = saslauthdVerifier({ path, service: "imap", timeoutMs: 5_000 });
    expect(await verifier.checkPassword("ann", long)).toBe("ok");
    expect(await codeOf(verifier.checkPassword("ann", "x".repeat(70_000)))).toBe("AUTHENTICATIONFAILED");
  });

  test("nobody there, no answer or a broken one is UNAVAILABLE, never a refusal", async () => {
    const silent = fakeSaslauthd(() => undefined);
    const verifier = (path: string) => saslauthdVerifier({ path, service: "imap", timeoutMs: 20 });
    expect(await codeOf(verifier("/nonexistent/mux").checkPassword("ann", "x"))).toBe("UNAVAILABLE");
    expect(await codeOf(verifier(silent).checkPassword("ann", "x"))).toBe("UNAVAILABLE");
  });

  test("an answer that only begins like OK is a refusal", async () => {
    const path = fakeSaslauthd(() => "OKAY");
    expect(await saslauthdVerifier({ path, service: "imap", timeoutMs: 5_000 }).checkPassword("ann", "x")).toBe(
      "wrong",
    );
  });
});

describe("the methods of sasl_pwcheck_method", () => {
  const saying = (verdict: "ok" | "wrong" | "disabled"): Verifier => ({ checkPassword: async () => verdict });
  const away: Verifier = {
    checkPassword: async () => {
      throw new No("UNAVAILABLE", "down");
    },
  };

  test("are asked in order until one knows", async () => {
    const ask = (...verifiers: Verifier[]) => inOrder(verifiers).checkPassword("ann", "x");
    expect(await ask(saying("wrong"), saying("ok"))).toBe("ok");
    expect(await ask(saying("disabled"), saying("ok"))).toBe("disabled");
    expect(await ask(saying("wrong"), saying("wrong"))).toBe("wrong");
    expect(await ask(away, saying("ok"))).toBe("ok");
    expect(await codeOf(ask(away, saying("wrong")))).toBe("UNAVAILABLE");
    expect(await codeOf(ask(saying("wrong"), away))).toBe("UNAVAILABLE");
  });

  test("are built from the options, and unknown ones are named", async () => {
    const settings = {
      username_tolower: true,
      virtdomains: "off" as const,
      defaultdomain: "internal",
      unixhierarchysep: true,
      sasl_pwcheck_method: ["saslauthd"],
      sasl_sasldb_path: "/nonexistent/sasldb",
      sasl_saslauthd_path: fakeSaslauthd((fields) => (fields[2] === "pop" ? "OK" : "NO")),
    };
    expect(await createVerifier(settings, "pop").checkPassword("ann", "x")).toBe("ok");
    expect(createVerifier(settings, "pop").scramKeys).toBeUndefined();
    const both = { ...settings, sasl_pwcheck_method: ["auxprop", "saslauthd"] };
    expect(await createVerifier(both, "pop").checkPassword("ann", "x")).toBe("ok");
    expect(createVerifier(both, "pop").scramKeys).toBeDefined();
    expect(() => createVerifier({ ...settings, sasl_pwcheck_method: ["pam"] }, "imap")).toThrow('"pam"');
  });
});
