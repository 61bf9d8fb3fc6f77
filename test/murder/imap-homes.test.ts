// A multiplexer's IMAP session in memory, its user's home server played by the test line by line.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { createLog } from "../../lib/base/log.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import { proofAt } from "../../lib/daemon/user-homes.ts";
import { Session } from "../../lib/imap/session.ts";
import { formatOrigin } from "../../lib/mailbox/origin.ts";
import { backendLogin, loginMethodOf } from "../../lib/murder/backend-login.ts";
import { Health } from "../../lib/murder/health.ts";
import { ImapHomes } from "../../lib/murder/imap-homes.ts";
import { mapOfWords, UserHomes } from "../../lib/murder/user-homes.ts";
import { parseHome } from "../../lib/murder/user-map.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { deferringVerifier, withoutKeys } from "../../lib/sasl/deferring-verifier.ts";
import type { Verifier } from "../../lib/sasl/mechanism.ts";
import { testServer } from "../support/imap-session.ts";
import { LineDialogue } from "../support/line-dialogue.ts";

const greeting = "* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID AUTH=PLAIN] hi\r\n";
const told =
  "IMAP4rev1 SASL-IR ID STARTTLS AUTH=PLAIN LOGINDISABLED LOGIN-REFERRALS UNAUTHENTICATE MUPDATE=mupdate://m/";

/** be1 is told who the user is, be2 gets his own password, be3 knows master users. */
class World {
  readonly logged: string[] = [];
  readonly opened: { readonly server: string; readonly home: LineDialogue }[] = [];
  #arrived = Promise.withResolvers<LineDialogue>();
  sessions = 0;
  readonly #server;

  constructor(config: ConfigOverrides = {}) {
    const log = createLog({ level: "info", format: "text", now: () => 0, sink: (_, line) => this.logged.push(line) });
    const hostSettings = new Map([
      ["be2_login", "password"],
      ["be3_login", "master"],
    ]);
    const overrides: ConfigOverrides = {
      ...{ servername: "mux.test", allowplaintext: true, failedloginpause: 0, admins: ["root"], hostSettings },
      ...{ proxy_mode: "multiplexer", proxy_authname: "proxy", proxy_password: "proxy-secret", ...config },
    };
    const settings = defaultConfig(overrides);
    const users = ["ann=be1", "renamed=old@be1", "bob=be2", "bert=b@be2", "carl=be3", "lost=be4", "root=be2"];
    const homes = new UserHomes({
      maps: [mapOfWords(users, parseHome, true)],
      ...{ list: undefined, fallback: undefined },
    });
    const verifier: Verifier = {
      checkPassword: async (user, password) => (password === `${user}-here` ? "ok" : "wrong"),
    };
    const server = testServer({ config: overrides, log });
    this.#server = {
      ...server,
      verifier,
      homes: new ImapHomes({
        ...{ homes, verifier, log, responseTimeoutMs: 5_000, health: new Health(new ManualClock()) },
        defers: async (name) => {
          const home = await homes.find(name);
          return home !== undefined && loginMethodOf(settings, home.server) === "password";
        },
        connect: async (server) => {
          if (server === "be4") throw new No("UNAVAILABLE", "connection refused");
          const [theirs, mine] = connectionPair();
          const home = new LineDialogue(theirs);
          this.opened.push({ server, home });
          this.#arrived.resolve(home);
          return mine;
        },
        planFor: (server, user, client, proof) => ({
          ...backendLogin(settings, server, user, () => tls, proofAt(user, client.identity, proof)),
          id: formatOrigin(client),
          idsEarly: true,
        }),
      }),
    };
  }

  async connect(): Promise<LineDialogue> {
    const [theirs, mine] = connectionPair();
    this.sessions += 1;
    new Session(this.#server, theirs, () => {
      this.sessions -= 1;
    }).start();
    const client = new LineDialogue(mine);
    await client.line();
    return client;
  }

  /** The next connection to a home server. */
  async arrival(): Promise<LineDialogue> {
    const home = await this.#arrived.promise;
    this.#arrived = Promise.withResolvers();
    return home;
  }

  /** Plays a home server's side of a login; gives the SASL message. */
  async letIn(
    answer = `OK [CAPABILITY ${told}] welcome`,
    isWell = true,
  ): Promise<{ home: LineDialogue; sasl: string }> {
    const home = await this.arrival();
    home.send(greeting);
    expect(await home.line()).toMatch(/^P1 ID \("x-originating-ip" /);
    const [, tag, encoded = ""] = /^(\S+) AUTHENTICATE PLAIN (\S+)$/.exec(await home.line()) ?? [];
    home.send(`* ID NIL\r\nP1 OK\r\n${tag} ${answer}\r\n`);
    if (isWell) {
      expect(await home.line()).toMatch(/^P3 ID /);
      home.send("* ID NIL\r\nP3 OK\r\n");
    }
    return { home, sasl: atob(encoded).replaceAll("\0", "|") };
  }

  async ended(): Promise<void> {
    while (this.sessions > 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const tls = { serverName: "", authorities: undefined, verify: false, client: undefined, handshakeTimeoutMs: 1000 };
const welcome = "a OK [CAPABILITY IMAP4rev1 ID] User logged in SESSIONID=<…>";

function plain(authorizationId: string, name: string, password: string): string {
  return btoa(`${authorizationId}\0${name}\0${password}`);
}

test("before the login a multiplexer says only what it can do itself", async () => {
  const client = await new World().connect();
  await client.play(`
    C: a CAPABILITY
    S: * CAPABILITY IMAP4rev1 LITERAL+ ID SASL-IR AUTH=PLAIN AUTH=LOGIN
    S: a OK Completed
  `);
});

test("where all passwords are left to home servers nothing is offered that needs keys kept here", async () => {
  const keys = async () => {
    throw new Error("asked for keys");
  };
  const here: Verifier = { checkPassword: async () => "wrong", scramKeys: keys };
  const offered = (inner: Verifier) => deferringVerifier(inner, async () => true).scramKeys !== undefined;
  expect([offered(here), offered(withoutKeys(here))]).toEqual([true, false]);
});

test.each([
  ["LOGIN ann ann-here", "ann|proxy|proxy-secret"],
  [`AUTHENTICATE PLAIN ${plain("", "ann", "ann-here")}`, "ann|proxy|proxy-secret"],
  ["LOGIN renamed renamed-here", "old|proxy|proxy-secret"],
  ["LOGIN bob anything", "|bob|anything"],
  ["LOGIN bert anything", "|b|anything"],
  [`AUTHENTICATE PLAIN ${plain("bob", "root", "anything")}`, "bob|root|anything"],
  ["LOGIN carl carl-here", "|carl*proxy|proxy-secret"],
])("%j reaches the home server as %j", async (command, expected) => {
  const world = new World();
  const client = await world.connect();
  client.send(`a ${command}\r\n`);
  const { sasl, home } = await world.letIn();
  expect(sasl).toBe(expected);
  await client.play(`S: ${welcome}`);
  home.connection.close();
  await client.end();
  await world.ended();
});

test("a home server without SASL gets the user's own password by LOGIN, whatever octets it has", async () => {
  const world = new World();
  const client = await world.connect();
  client.send("a LOGIN bob {4+}\r\n\xc3\xa4\xc3\xb6\r\n");
  const home = await world.arrival();
  home.send("* OK [CAPABILITY IMAP4 LITERAL+] old\r\n");
  expect([await home.line(), await home.line(), await home.line()]).toEqual([
    ...["P1 LOGIN {3+}", "bob {4+}", "\xc3\xa4\xc3\xb6"],
  ]);
  home.send("P1 OK [CAPABILITY IMAP4] in\r\n");
  await client.play("S: a OK [CAPABILITY IMAP4] …");
});

test("a home server without SASL gets nobody's password for another's name", async () => {
  const world = new World();
  const client = await world.connect();
  client.send("a LOGIN ann ann-here\r\n");
  const home = await world.arrival();
  home.send("* OK [CAPABILITY IMAP4] old\r\n");
  await client.play("S: a NO [UNAVAILABLE] …");
  expect(await home.end()).toBe("");
});

test("what cannot be a password is refused without asking the home server", async () => {
  const world = new World();
  const client = await world.connect();
  client.send(`a LOGIN bob {3+}\r\na\rb\r\nb LOGIN bob ${"x".repeat(1025)}\r\n`);
  await client.play(`
    S: a BAD Name or password holds a character that is not allowed
    S: b NO [AUTHENTICATIONFAILED] …
  `);
  expect(world.opened).toEqual([]);
});

test("everything behind the login is the home server's, octet for octet, also what came with it", async () => {
  const world = new World();
  const client = await world.connect();
  client.send("a LOGIN ann ann-here\r\nb SELECT {5}\r\n");
  const { home } = await world.letIn();
  await client.play(`S: ${welcome}`);
  expect(await home.line()).toBe("b SELECT {5}");
  home.send("+ go\r\n* 1 FETCH (BODY[] {6}\r\n* BYE\n)\r\n");
  client.send("INBOX\r\n\0\xff");
  expect(await home.line()).toBe("INBOX");
  expect(home.left).toBe("\0\xff");
  for (const line of ["+ go", "* 1 FETCH (BODY[] {6}", "* BYE\n)"]) expect(await client.line()).toBe(line);
});

test.each([
  ["between two responses", "* 1 EXISTS\r\n", "* BYE [UNAVAILABLE] Lost connection to the mail server\r\n"],
  ["inside a literal", "* 1 FETCH (BODY[] {600}\r\nabc\r\n", ""],
  ["inside a line", "* 1 EXI", ""],
  ["after its BYE", "* BYE bye\r\n", ""],
])("a home server that goes %s", async (_, said, ours) => {
  const world = new World();
  const client = await world.connect();
  client.send("a LOGIN ann ann-here\r\n");
  const { home } = await world.letIn();
  await client.play(`S: ${welcome}`);
  home.send(said);
  home.connection.close();
  expect(await client.end()).toBe(said + ours);
  await world.ended();
});

test.each([
  ["LOGIN ann ann-there", "a NO [AUTHENTICATIONFAILED] Login failed: authentication failure"],
  ["LOGIN nosuch any", "a NO [AUTHENTICATIONFAILED] Login failed: authentication failure"],
  ["LOGIN homeless homeless-here", "a NO [CONTACTADMIN] No mail server is known for this user"],
  ["LOGIN lost lost-here", "a NO [UNAVAILABLE] Server(s) unavailable to complete operation"],
  // Nobody has checked root's password: it opens nothing that ours opens, and bob is not root.
  [`AUTHENTICATE PLAIN ${plain("ann", "root", "any")}`, "a NO [AUTHORIZATIONFAILED] …"],
  [`AUTHENTICATE PLAIN ${plain("carl", "root", "any")}`, "a NO [AUTHORIZATIONFAILED] …"],
  [`AUTHENTICATE PLAIN ${plain("ann", "bob", "any")}`, "a NO [AUTHORIZATIONFAILED] …"],
])("%j asks no server and is answered %j", async (command, answer) => {
  const world = new World();
  const client = await world.connect();
  await client.play(`
    C: a ${command}
    S: ${answer}
    C: b NOOP
    S: b OK Completed
  `);
  expect(world.opened).toEqual([]);
});

test.each([
  ["bob any", "NO wrong", "[AUTHENTICATIONFAILED] Login failed: authentication failure"],
  ["bob any", "NO [AUTHENTICATIONFAILED] wrong", "[AUTHENTICATIONFAILED] Login failed: authentication failure"],
  ["bob any", "NO [EXPIRED] Choose a new one", "[EXPIRED] Choose a new one"],
  ["bob any", "NO [UNAVAILABLE] wait", "[UNAVAILABLE] Server(s) unavailable to complete operation"],
  ["ann ann-here", "NO [AUTHENTICATIONFAILED] wrong", "[UNAVAILABLE] Server(s) unavailable to complete operation"],
  ["ann ann-here", "NO [INUSE] Too many", "[INUSE] Too many"],
])("LOGIN %s: the home server's %j is %j to the client, who can try again", async (words, theirs, ours) => {
  const world = new World();
  const client = await world.connect();
  client.send(`a LOGIN ${words}\r\n`);
  await world.letIn(theirs, false);
  await client.play(`S: a NO ${ours}`);
  client.send("a LOGIN ann ann-here\r\n");
  await world.letIn();
  await client.play(`S: ${welcome}`);
});

test("an unchecked password is forgotten when the next login is another's", async () => {
  const world = new World();
  const client = await world.connect();
  client.send("a LOGIN bob any\r\n");
  await world.letIn("NO wrong", false);
  await client.line();
  client.send("a LOGIN ann ann-here\r\n");
  expect((await world.letIn()).sasl).toBe("ann|proxy|proxy-secret");
});

test("a session that was passed on too often ends, whoever says so before the login", async () => {
  const world = new World();
  const client = await world.connect();
  await client.play(`
    C: a ID ("x-proxy-ttl" "0")
    S: * ID …
    S: a OK …
    C: b LOGIN ann ann-here
    S: b NO [UNAVAILABLE] …
  `);
  expect(world.opened).toEqual([]);
  expect(world.logged.join("\n")).toContain("relay loop");
});

test("passwords are not in the log", async () => {
  const world = new World();
  const client = await world.connect();
  client.send("a LOGIN bob hidden-word\r\n");
  await world.letIn("NO wrong", false);
  await client.line();
  expect(world.logged.join("\n")).not.toContain("hidden-word");
});
