// Conversations with the master, byte for byte as a Cyrus 3.6 master answers (where it does not crash).

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { logIn } from "../../lib/mupdate/login.ts";
import { entryOf } from "../../lib/mupdate/record.ts";
import { MirrorRegistry } from "../../lib/mupdate/registry-mirror.ts";
import { ServerSession, type SessionOptions } from "../../lib/mupdate/session.ts";
import type { ClientTls, Connection, ServerTls } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { askAndEnd } from "../support/half-close.ts";
import { active, clientOptions, dial, emptyRegistry, reserved, sessionOptions } from "../support/mupdate-world.ts";
import { Transcript } from "../support/transcript.ts";

const login = 'A1 AUTHENTICATE "PLAIN" "AG11cmRlcgBzZWNyZXQ="\r\n';

/** Sends `lines` and returns what came until the connection was quiet: the answer to a last FOO. */
async function talk(options: SessionOptions, lines: string, isLoggedIn = true): Promise<string> {
  const connection = dial(options);
  const transcript = new Transcript(connection);
  await transcript.upTo('* OK MUPDATE "mu.lab" "iatlas" "1" "(master)"\r\n');
  if (isLoggedIn) {
    connection.write(login);
    await transcript.upTo('A1 OK "Authenticated"\r\n');
  }
  connection.write(`${lines}end NONSENSE\r\n`);
  const answers = await transcript.upTo('end BAD "Unrecognized command"\r\n');
  return answers.slice(0, -'end BAD "Unrecognized command"\r\n'.length);
}

const master = () => sessionOptions(emptyRegistry());

test("the banner names the mechanisms first and ends with OK MUPDATE (R49, R50)", async () => {
  const registry = emptyRegistry();
  const transcript = new Transcript(dial(sessionOptions(registry)));
  expect(await transcript.upTo('(master)"\r\n')).toBe(
    [
      '* AUTH "PLAIN"',
      '* COMPRESS "DEFLATE"',
      "* PARTIAL-UPDATE",
      `* X-IATLAS "${registry.position.feed}"`,
      '* OK MUPDATE "mu.lab" "iatlas" "1" "(master)"',
      "",
    ].join("\r\n"),
  );
});

test("before login only AUTHENTICATE, STARTTLS and LOGOUT are served (R59, R77)", async () => {
  expect(await talk(master(), 'X2 LIST\r\nX3 FIND "user.u1"\r\nX4 RESERVE "user.u1" "be1!default"\r\n', false)).toBe(
    'X2 BAD "Please login first"\r\nX3 BAD "Please login first"\r\nX4 BAD "Please login first"\r\n',
  );
});

test("AUTHENTICATE without an initial response gets an empty line and takes bare base64 (R60)", async () => {
  const answer = await talk(master(), 'A1 AUTHENTICATE "PLAIN"\r\nAG11cmRlcgBzZWNyZXQ=\r\n', false);
  expect(answer).toBe('\r\nA1 OK "Authenticated"\r\n');
});

test("AUTHENTICATE refuses wrong passwords, unknown mechanisms, atoms and ids that are not administrators", async () => {
  const lines = [
    'X1 AUTHENTICATE "PLAIN" "AG11cmRlcgB3cm9uZw=="',
    'X2 AUTHENTICATE "FOO"',
    "X3 AUTHENTICATE PLAIN",
    'X4 AUTHENTICATE "PLAIN" "AHUxAHNlY3JldA=="',
    'X5 AUTHENTICATE "PLAIN"',
    "*",
    "X6 LIST",
  ];
  expect(await talk(master(), `${lines.join("\r\n")}\r\n`, false)).toBe(
    [
      'X1 NO "authentication failure"',
      'X2 NO "No such authentication mechanism"',
      'X3 BAD "Extra arguments"',
      'X4 NO "Only administrators may log in"',
      "",
      'X5 NO "Client canceled authentication"',
      'X6 BAD "Please login first"',
      "",
    ].join("\r\n"),
  );
});

test("a second AUTHENTICATE is refused (R60)", async () => {
  expect(await talk(master(), 'X31 AUTHENTICATE "PLAIN"\r\n')).toBe('X31 BAD "already authenticated"\r\n');
});

test("the life of a mailbox, pipelined in one packet, reads as from a Cyrus master (R53, R63–R68)", async () => {
  const lines = [
    'X2 RESERVE "user.x1" "be1.lab!default"',
    'X3 FIND "user.x1"',
    'X4 RESERVE "user.x1" "be1.lab!default"',
    'X5 RESERVE "user.x1" "be2.lab!default"',
    'X6 ACTIVATE "user.x1" "be1.lab!default" "x1\tlrswipkxtecda\t"',
    'X7 FIND "user.x1"',
    'X8 ACTIVATE "user.x1" "be1.lab!default" "x1\tlrs\t"',
    'X9 DEACTIVATE "user.x1" "be1.lab!default"',
    'X10 FIND "user.x1"',
    'X11 DELETE "user.x1"',
    'X12 FIND "user.x1"',
    'X13 ACTIVATE "user.x2" "be2.lab!default" "anyone\tlrs\t"',
    "X14 ACTIVATE {7+}",
    "user.x3 {15+}",
    "be2.lab!default {0+}",
    "",
    'X15 find "user.x3"',
  ];
  expect(await talk(master(), `${lines.join("\r\n")}\r\n`)).toBe(
    [
      'X2 OK "done"',
      "X3 RESERVE {7+}",
      "user.x1 {15+}",
      "be1.lab!default",
      'X3 OK "Search completed"',
      'X4 OK "done"',
      'X5 NO "mailbox already exists"',
      'X6 OK "done"',
      "X7 MAILBOX {7+}",
      "user.x1 {15+}",
      "be1.lab!default {17+}",
      "x1\tlrswipkxtecda\t",
      'X7 OK "Search completed"',
      'X8 OK "done"',
      'X9 OK "done"',
      "X10 RESERVE {7+}",
      "user.x1 {15+}",
      "be1.lab!default",
      'X10 OK "Search completed"',
      'X11 OK "done"',
      'X12 OK "Search completed"',
      'X13 OK "done"',
      'X14 OK "done"',
      "X15 MAILBOX {7+}",
      "user.x3 {15+}",
      "be2.lab!default {0+}",
      "",
      'X15 OK "Search completed"',
      "",
    ].join("\r\n"),
  );
});

test("DELETE and DEACTIVATE of what is not there are refused and nobody dies (R66, R67, W7)", async () => {
  const options = sessionOptions(emptyRegistry([reserved("user.x1", "be1!default")]));
  const lines =
    'X1 DELETE "user.no"\r\nX2 DEACTIVATE "user.no" "be1!default"\r\nX3 DEACTIVATE "user.x1" "be1!default"\r\n';
  expect(await talk(options, lines)).toBe(
    `X1 NO "mailbox doesn't exist"\r\nX2 NO "mailbox doesn't exist"\r\nX3 NO "mailbox not currently active"\r\n`,
  );
});

test("LIST takes a prefix of locations and answers in the order of Cyrus' list (R69)", async () => {
  const records = [
    active("user.ann-x", "be2!default"),
    active("user.ann.Trash", "be2!default"),
    active("user.bob", "be20!default"),
    active("user.ann", "be2!default", "ann\tlrs\t"),
    active("example.org!user.x", "be2!default"),
  ];
  const answer = await talk(sessionOptions(emptyRegistry(records)), 'X1 LIST "be2!"\r\nX2 LIST "none"\r\n');
  expect(answer.match(/^.*(?= \{\d+\+\}\r\nbe2)/gm)).toEqual([
    "example.org!user.x",
    "user.ann",
    "user.ann.Trash",
    "user.ann-x",
  ]);
  expect(answer).toEndWith('X1 OK "list complete"\r\nX2 OK "list complete"\r\n');
});

test("errors are worded as Cyrus words them (R58)", async () => {
  const lines = [
    "X23 NOOP",
    "X24 FOO",
    "X25 FIND",
    'X26 FIND "a" "b"',
    'X27 ACTIVATE "x"',
    "X28 FIND user.u1",
    'X29 DELETE "user.never" ',
    "X30 STARTTLS",
    'X31 UPDATE ("be2.lab")',
    "X32 UPDATE be2.lab",
    "",
    "X99",
    "X98 ",
    'X97 RESERVE "user.x" ""',
    'X96 FIND "a..b"',
  ];
  expect(await talk(master(), `${lines.join("\r\n")}\r\n`)).toBe(
    [
      'X23 OK "Noop done"',
      'X24 BAD "Unrecognized command"',
      'X25 BAD "Missing arguments"',
      'X26 BAD "Extra arguments"',
      'X27 BAD "Missing arguments"',
      'X28 BAD "Extra arguments"',
      'X29 BAD "Extra arguments"',
      'X30 BAD "Unrecognized command"',
      'X31 BAD "Badly formed arguments"',
      'X32 BAD "Badly formed arguments"',
      '* BAD "Need command"',
      '* BAD "Need command"',
      'X98 BAD "Null command"',
      'X97 BAD "Badly formed arguments"',
      'X96 BAD "Badly formed arguments"',
      "",
    ].join("\r\n"),
  );
});

test("a synchronizing literal is asked for, up to a limit (R55, R56)", async () => {
  const connection = dial(master());
  const transcript = new Transcript(connection);
  connection.write(login);
  await transcript.upTo('A1 OK "Authenticated"\r\n');
  connection.write("X1 FIND {7}\r\n");
  expect(await transcript.upTo("\r\n")).toBe("+ go ahead\r\n");
  connection.write("user.x1\r\n");
  expect(await transcript.upTo("\r\n")).toBe('X1 OK "Search completed"\r\n');
  connection.write("X2 FIND {99999999}\r\nX3 NOOP\r\n");
  expect(await transcript.upTo('X3 OK "Noop done"\r\n')).toBe('X2 BAD "Literal too large"\r\nX3 OK "Noop done"\r\n');
});

test("quoted strings of 8,000 octets, empty ones of both kinds, and names in modified UTF-7 pass as they are (R55, R57, R76)", async () => {
  const acl = `${Array.from({ length: 500 }, (_, at) => `user-number-${at}\tl`).join("\t")}\t`;
  const lines = [
    `X1 ACTIVATE "user.ann.Entw&APw-rfe" "be1!default" "${acl}"`,
    'X2 FIND "user.ann.Entw&APw-rfe"',
    'X3 ACTIVATE "user.ann.a&-b" "be1!default" ""',
    "X4 LIST {0+}",
    "",
    'X5 LIST ""',
  ];
  const named = (tag: string) =>
    `${tag} MAILBOX {21+}\r\nuser.ann.Entw&APw-rfe {11+}\r\nbe1!default {${acl.length}+}\r\n${acl}\r\n`;
  const unnamed = (tag: string) => `${tag} MAILBOX {13+}\r\nuser.ann.a&-b {11+}\r\nbe1!default {0+}\r\n\r\n`;
  expect(await talk(master(), `${lines.join("\r\n")}\r\n`)).toBe(
    [
      'X1 OK "done"\r\n',
      `${named("X2")}X2 OK "Search completed"\r\n`,
      'X3 OK "done"\r\n',
      `${named("X4")}${unnamed("X4")}X4 OK "list complete"\r\n`,
      `${named("X5")}${unnamed("X5")}X5 OK "list complete"\r\n`,
    ].join(""),
  );
});

test("UPDATE takes thirty host arguments and not one more (R78)", async () => {
  const hosts = Array.from({ length: 31 }, (_, at) => `"be${at}"`);
  const lines = [`X1 UPDATE ${hosts.join(" ")}`, `X2 UPDATE ${hosts.slice(1).join(" ")}`];
  expect(await talk(master(), `${lines.join("\r\n")}\r\n`)).toBe(
    'X1 BAD "Extra arguments"\r\nX2 OK "streaming starts"\r\n',
  );
});

test("an endless line is skipped and answered, and the session goes on (R55)", async () => {
  const lines = `X0 RESERVE "user.x" "be1!d"\r\nX1 FIND "${"a".repeat(100_000)}"\r\nX2 NOOP\r\n`;
  expect(await talk(master(), lines)).toBe('X0 OK "done"\r\nX1 BAD "Line too long"\r\nX2 OK "Noop done"\r\n');
});

test("LOGOUT says BYE, answers the tag for Cyrus' clients, and closes (R74)", async () => {
  const connection = dial(master());
  const transcript = new Transcript(connection);
  await transcript.upTo('(master)"\r\n');
  connection.write("Q01 LOGOUT\r\n");
  expect(await transcript.untilClosed()).toBe('* BYE "bye-bye"\r\nQ01 OK "bye-bye"\r\n');
});

test("two backends reserve one name at once: exactly one gets OK (S27, S53, R63)", async () => {
  const options = master();
  const answers = await Promise.all(
    ["be1", "be2"].map((server) => talk(options, `X1 RESERVE "user.x" "${server}!default"\r\n`)),
  );
  expect(answers.sort()).toEqual(['X1 NO "mailbox already exists"\r\n', 'X1 OK "done"\r\n']);
});

test("a replica serves readers and refuses writers (R75)", async () => {
  const list = new MemoryMailboxList();
  await list.change([{ put: entryOf(active("user.u1", "be1.lab!default", "u1\tlrs\t")) }]);
  const [server, client] = connectionPair();
  const options = sessionOptions(
    new MirrorRegistry({ list, feed: "feed", ownServer: "fe.lab", settle: async () => true }),
    {
      banner: { hostName: "fe.lab", product: "iatlas", version: "1", upstream: "mu.lab" },
    },
  );
  new ServerSession(server, { ...options, log: silentLog }).start();
  const transcript = new Transcript(client);
  expect(await transcript.upTo('"1" "mupdate://mu.lab"\r\n')).toContain("* OK MUPDATE");
  const lines = [
    'X2 FIND "user.u1"',
    'X3 RESERVE "user.x9" "be1.lab!default"',
    'X4 ACTIVATE "user.x9" "be1.lab!default" ""',
    'X5 DELETE "user.x9"',
    "X6 NOOP",
    "X7 UPDATE",
  ];
  client.write(`${login}${lines.join("\r\n")}\r\n`);
  expect(await transcript.upTo('X7 OK "streaming starts"\r\n')).toBe(
    [
      'A1 OK "Authenticated"',
      "X2 MAILBOX {7+}",
      "user.u1 {15+}",
      "be1.lab!default {7+}",
      "u1\tlrs\t",
      'X2 OK "Search completed"',
      'X3 BAD "read-only session"',
      'X4 BAD "read-only session"',
      'X5 BAD "read-only session"',
      'X6 OK "Noop done"',
      "X7 MAILBOX {7+}",
      "user.u1 {15+}",
      "be1.lab!default {7+}",
      "u1\tlrs\t",
      'X7 OK "streaming starts"',
      "",
    ].join("\r\n"),
  );
  await list.change([{ remove: active("user.u1", "x").name }]);
  expect(await transcript.upTo("user.u1\r\n")).toBe("X7 DELETE {7+}\r\nuser.u1\r\n");
});

const certificate = {} as ServerTls;

test("STARTTLS is offered in the clear, greets again under TLS, and drops what was sent ahead (R48, R49, R62)", async () => {
  const [server, client] = connectionPair();
  new ServerSession(server, { ...master(), tls: () => certificate }).start();
  const transcript = new Transcript(client);
  expect(await transcript.upTo('"(master)"\r\n')).toContain("* STARTTLS\r\n");
  client.write("S01 STARTTLS\r\nX1 LOGOUT\r\n");
  expect(await transcript.upTo("\r\n")).toBe('S01 OK "Begin TLS negotiation now"\r\n');
  await client.startTlsClient({ serverName: "mu.lab" } as ClientTls);
  expect(await transcript.upTo('"(master)"\r\n')).not.toContain("STARTTLS");
  client.write("S02 STARTTLS\r\n");
  expect(await transcript.upTo("\r\n")).toBe('S02 NO "Already did a successful Starttls"\r\n');
  client.write(`${login}S03 STARTTLS\r\n`);
  await transcript.upTo('A1 OK "Authenticated"\r\n');
  expect(await transcript.upTo("\r\n")).toBe('S03 BAD "Can\'t Starttls after authentication"\r\n');
});

test("a client uses STARTTLS when it is offered, and can insist on it (R51, R62)", async () => {
  const tls = { serverName: "mu.lab" } as ClientTls;
  const [server, client] = connectionPair();
  new ServerSession(server, { ...master(), tls: () => certificate }).start();
  const loggedIn = await logIn(client, { ...clientOptions, tls, requiresTls: true });
  expect(client.tls).toBeDefined();
  await loggedIn.noop();
  loggedIn.logout();
  const fault = await logIn(dial(master()), { ...clientOptions, tls, requiresTls: true }).catch(
    (each: unknown) => each,
  );
  expect(String(fault)).toContain("does not offer STARTTLS");
});

test("a session that is silent for too long is told so and closed, sooner before its login (R54)", async () => {
  const clock = new ManualClock();
  for (const isLoggedIn of [true, false]) {
    const [server, client] = connectionPair(clock);
    new ServerSession(server, { ...master(), idleMs: 900_000, loginIdleMs: 180_000 }).start();
    const transcript = new Transcript(client);
    await transcript.upTo('"(master)"\r\n');
    if (isLoggedIn) {
      client.write(`${login}N1 NOOP\r\n`);
      await transcript.upTo('N1 OK "Noop done"\r\n');
      clock.advance(200_000);
      client.write("N2 NOOP\r\n");
      await transcript.upTo('N2 OK "Noop done"\r\n');
    }
    clock.advance(isLoggedIn ? 1_000_000 : 200_000);
    expect(await transcript.untilClosed()).toBe('* BYE "Idle for too long"\r\n');
  }
});

test("a client that has finished sending gets all its answers (printf … | nc)", async () => {
  const lines = ['X1 RESERVE "user.u1" "be1!default"', 'X2 ACTIVATE "user.u1" "be1!default" "u1\tlrs\t"', "X3 LIST"];
  const heard = await askAndEnd(
    (connection) => new ServerSession(connection, master()).start(),
    `${login}${lines.join("\r\n")}\r\n`,
  );
  const tags = [...heard.matchAll(/^(\w+) OK/gm)].map((match) => match[1]);
  expect(tags).toEqual(["A1", "X1", "X2", "X3"]);
});

test("AUTHENTICATE ends with the input when its response never comes", async () => {
  const serve = (connection: Connection) => new ServerSession(connection, master()).start();
  expect(await askAndEnd(serve, 'A1 AUTHENTICATE "PLAIN"\r\n')).toEndWith('\r\n* BYE "The connection was closed"\r\n');
});
