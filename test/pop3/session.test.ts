import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import type { ServerTls } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { Pop3Session } from "../../lib/pop3/session.ts";
import { askAndEnd } from "../support/half-close.ts";
import { entry } from "../support/imap-session.ts";
import { LineDialogue } from "../support/line-dialogue.ts";
import { MailWorld, mail } from "../support/mail-world.ts";
import { Pop3World, type Pop3WorldOptions } from "../support/pop3-world.ts";

async function world(options: Pop3WorldOptions = {}) {
  const mailboxes = await MailWorld.of([
    entry("user.ann", "ann lrswipkxtea", { uidValidity: 77 }),
    entry("user.ann.lists", "ann lr"),
    entry("user.bob", "bob lrswipkxtea"),
    entry("user.moving", "", { state: "moving" }),
  ]);
  await mailboxes.deliver("user.ann", [mail("one"), mail("two", "a\n.dot\n..\nlast")]);
  return { mailboxes, pop3: new Pop3World(mailboxes, options) };
}

const seenBy = async (mailboxes: MailWorld, name: string) => {
  const mailbox = await mailboxes.mailbox(name);
  const unseen = mailbox.unseen("ann").count;
  mailbox.release();
  return mailbox.totals().messages - unseen;
};

test("a session reads its mail (R97–R102)", async () => {
  const { mailboxes, pop3 } = await world();
  const client = await pop3.loggedIn("ann");
  const [one, two] = [mail("one"), mail("two", "a\n.dot\n..\nlast")].map(
    (text) => text.replaceAll("\n", "\r\n").length,
  );
  await client.play(`
    C: STAT
    S: +OK 2 ${one! + two!}
    C: LIST
    S: +OK scan listing follows
    S: 1 ${one}
    S: 2 ${two}
    S: .
    C: list 2
    S: +OK 2 ${two}
    C: UIDL
    S: +OK unique-id listing follows
    S: 1 77.1
    S: 2 77.2
    S: .
    C: UIDL 1
    S: +OK 1 77.1
    C: TOP 2 2
    S: +OK Message follows
    S: From: Ann <ann@lab>
    S: To: bob@lab
    S: Subject: two
    S: Date: Mon, 23 Nov 2026 12:00:00 +0000
    S: Message-ID: <two@lab>
    S:
    S: a
    S: ..dot
    S: .
    C: RETR 2
    S: +OK Message follows
    S: From: Ann <ann@lab>
    S: To: bob@lab
    S: Subject: two
    S: Date: Mon, 23 Nov 2026 12:00:00 +0000
    S: Message-ID: <two@lab>
    S:
    S: a
    S: ..dot
    S: ...
    S: last
    S: .
    C: NOOP
    S: +OK
    C: QUIT
    S: +OK
  `);
  await pop3.ended();
  expect(await seenBy(mailboxes, "user.ann")).toBe(1);
});

test("CAPA tells what is there before and after the login (R103)", async () => {
  const { pop3 } = await world();
  const client = pop3.connect();
  await client.play(`
    S: +OK mail.test iatlas test POP3 server ready
    C: CAPA
    S: +OK List of capabilities follows
    S: SASL PLAIN LOGIN
    S: EXPIRE NEVER
    S: LOGIN-DELAY 0
    S: TOP
    S: UIDL
    S: PIPELINING
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: USER
    S: XCLIENT
    S: IMPLEMENTATION iatlas test
    S: .
    C: USER ann
    S: +OK Name is a valid mailbox
    C: PASS ann-secret
    S: +OK Mailbox locked and ready SESSIONID=<…>
    C: CAPA
    S: +OK List of capabilities follows
    S: EXPIRE NEVER
    S: LOGIN-DELAY 0
    S: TOP
    S: UIDL
    S: PIPELINING
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: IMPLEMENTATION iatlas test
    S: .
  `);
});

test("what cannot be is refused, and the session goes on", async () => {
  const { pop3 } = await world();
  await pop3.connect().play(`
    S: +OK …
    C: STAT
    S: -ERR Unrecognized command
    C: PASS x
    S: -ERR Must give USER command
    C: USER ann
    S: +OK Name is a valid mailbox
    C: PASS wrong
    S: -ERR [AUTH] Invalid login
    C: AUTH NOSUCH
    S: -ERR [AUTH] Unsupported authentication mechanism
    C: AUTH
    S: +OK List of supported mechanisms follows
    S: PLAIN
    S: LOGIN
    S: .
    C: AUTH PLAIN !
    S: -ERR Invalid base64 string
    C: AUTH PLAIN =
    S: -ERR Malformed PLAIN message
    C: AUTH PLAIN
    S: + …
    C: *
    S: -ERR Authentication cancelled
    C: AUTH PLAIN ${btoa("\0ann\0ann-secret")}
    S: +OK Mailbox locked and ready SESSIONID=<…>
    C: RETR
    S: -ERR Missing argument
    C: RETR x
    S: -ERR Not a number
    C: RETR 3
    S: -ERR No such message
    C: LIST 1 2
    S: -ERR Unexpected extra argument
    C: LAST
    S: -ERR Unrecognized command
    C: USER ann
    S: -ERR Unrecognized command
    C: TOP 1 0
    S: +OK Message follows
    S: From: Ann <ann@lab>
    S: To: bob@lab
    S: Subject: one
    S: Date: Mon, 23 Nov 2026 12:00:00 +0000
    S: Message-ID: <one@lab>
    S:
    S: .
  `);
});

test("QUIT removes what was deleted, RSET takes it back, and without QUIT nothing goes (R98)", async () => {
  const { mailboxes, pop3 } = await world();
  const first = await pop3.loggedIn("ann");
  await first.play(`
    C: DELE 1
    S: +OK message deleted
    C: DELE 1
    S: -ERR No such message
    C: RSET
    S: +OK
    C: DELE 2
    S: +OK message deleted
    C: STAT
    S: +OK 1 ${mail("one").replaceAll("\n", "\r\n").length}
  `);
  first.connection.destroy();
  await pop3.ended();
  const second = await pop3.loggedIn("ann");
  await second.play(`
    C: DELE 2
    S: +OK message deleted
    C: QUIT
    S: +OK
  `);
  const mailbox = await mailboxes.mailbox("user.ann");
  expect([...mailbox.uids()]).toEqual([1]);
});

test("a maildrop has one session at a time (R99, R106)", async () => {
  const { pop3 } = await world();
  const first = await pop3.loggedIn("ann");
  await pop3.connect().play(`
    S: +OK …
    C: USER ann
    S: +OK …
    C: PASS ann-secret
    S: -ERR [IN-USE] Maildrop is in use by another session
  `);
  first.connection.destroy();
  while (pop3.sessions > 1) await new Promise<void>((resolve) => setImmediate(resolve));
  await pop3.loggedIn("ann");
});

test.each([
  ["moving", "-ERR [SYS/TEMP] Mailbox is being moved or is on another server"],
  ["nosuch", "-ERR [SYS/PERM] Mailbox does not exist"],
])("the login of %s is answered %s", async (user, refusal) => {
  const { pop3 } = await world();
  await pop3.connect().play(`
    S: +OK …
    C: USER ${user}
    S: +OK …
    C: PASS ${user}-secret
    S: ${refusal}
  `);
});

test("passwords do not cross in the clear unless the administrator allows it", async () => {
  const { pop3 } = await world({ config: { allowplaintext: false } });
  await pop3.connect().play(`
    S: +OK …
    C: USER ann
    S: -ERR [AUTH] USER/PASS command only available under a layer
  `);
});

test("tls_required takes no login before TLS, by no command", async () => {
  const { pop3 } = await world({ config: { allowplaintext: true, tls_required: true } });
  const client = pop3.connect();
  await client.play(`
    S: +OK …
    C: USER ann
    S: -ERR [AUTH] USER/PASS command only available under a layer
    C: AUTH PLAIN AGFubgBhbm4tc2VjcmV0
    S: -ERR [AUTH] AUTH command only available under a layer
    C: AUTH
    S: +OK …
    S: .
    C: CAPA
    S: +OK …
  `);
  const capabilities: string[] = [];
  for (let line = await client.line(); line !== "."; line = await client.line()) capabilities.push(line);
  expect(capabilities.filter((line) => /^(SASL|USER)/.test(line))).toEqual([]);
});

test("STLS forgets what was sent in the clear (R104)", async () => {
  const server = {
    certificates: [],
    clientAuthorities: undefined,
    clientCertificates: "off",
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: undefined,
    handshakeTimeoutMs: 1000,
  } satisfies ServerTls;
  const { pop3 } = await world({ tls: server });
  const client = pop3.connect();
  client.send("STLS\r\nUSER injected\r\n");
  await client.play("S: +OK …\nS: +OK Begin TLS negotiation now");
  await client.connection.startTlsClient({
    ...{ serverName: "mail.test", authorities: undefined, verify: false, client: undefined, handshakeTimeoutMs: 1000 },
  });
  await client.play(`
    C: PASS ann-secret
    S: -ERR Must give USER command
    C: STLS
    S: -ERR TLS is active already
  `);
});

test("commands sent in one go are answered in order (R106)", async () => {
  const { pop3 } = await world();
  const client = await pop3.loggedIn("ann");
  client.send("NOOP\r\nRETR 9\r\nDELE 1\r\nSTAT\r\nQUIT\r\n");
  expect((await client.end()).match(/^\S+/gm)).toEqual(["+OK", "-ERR", "+OK", "+OK", "+OK"]);
});

test.each([
  ["uidonly", "1"],
  ["cyrus", "77.1"],
  ["dovecot", "000000010000004d"],
  ["courier", "77-1"],
] as const)("uidl_format %s gives %s", async (uidl_format, uidl) => {
  const { pop3 } = await world({ config: { uidl_format } });
  const client = await pop3.loggedIn("ann");
  client.send("UIDL 1\r\n");
  expect(await client.line()).toBe(`+OK 1 ${uidl}`);
});

test("popsubfolders reads another folder, popuseacl asks for the right to delete", async () => {
  const { mailboxes, pop3 } = await world({ config: { popsubfolders: true, popuseacl: true } });
  await mailboxes.deliver("user.ann.lists", [mail("three")]);
  const client = await pop3.loggedIn("ann+lists");
  await client.play(`
    C: TOP 1 0
    S: +OK Message follows
    S: From: Ann <ann@lab>
    S: To: bob@lab
    S: Subject: three
    S: Date: Mon, 23 Nov 2026 12:00:00 +0000
    S: Message-ID: <three@lab>
    S:
    S: .
    C: DELE 1
    S: -ERR [SYS/PERM] Permission denied
  `);
});

test("popuseimapflags hides what is \\Deleted", async () => {
  const { mailboxes, pop3 } = await world({ config: { popuseimapflags: true } });
  await mailboxes.flag("user.ann", [1], SystemFlags.deleted);
  const client = await pop3.loggedIn("ann");
  client.send("UIDL 1\r\n");
  expect(await client.line()).toBe("+OK 1 77.2");
});

test("popminpoll keeps a user from polling too often, poppollpadding forgives some", async () => {
  const clock = new ManualClock();
  const { pop3 } = await world({ clock, config: { popminpoll: 600, poppollpadding: 2 } });
  const login = async (answer: string) => {
    const client = pop3.connect();
    await client.play(`
      S: +OK …
      C: USER ann
      S: +OK …
      C: PASS ann-secret
      S: ${answer}
    `);
    client.connection.destroy();
    await pop3.ended();
  };
  await login("+OK …");
  await login("+OK …");
  await login("-ERR [LOGIN-DELAY] Logins must be at least 10 minute(s) apart");
  clock.advance(600_000);
  await login("+OK …");
});

test("a message of many pieces is sent whole", async () => {
  const { mailboxes, pop3 } = await world();
  const body = `${"0123456789".repeat(7)}\n.\n`.repeat(20_000);
  await mailboxes.deliver("user.bob", [mail("big", body)]);
  const client = await pop3.loggedIn("bob");
  client.send("RETR 1\r\nQUIT\r\n");
  const text = await client.end();
  const expected = mail("big", body).replaceAll("\n", "\r\n").replaceAll("\r\n.", "\r\n..");
  expect(text === `+OK Message follows\r\n${expected}.\r\n+OK\r\n`).toBe(true);
});

test("a client that has finished sending is answered; what it marked is removed only after QUIT", async () => {
  const { mailboxes, pop3 } = await world();
  const ask = async (text: string) => {
    const heard = await askAndEnd((connection) => new Pop3Session(pop3.server, connection).start(), text);
    return heard.split("\r\n").slice(1, -1);
  };
  const login = "USER ann\r\nPASS ann-secret\r\n";
  expect((await ask(`${login}DELE 1\r\n`)).at(-1)).toBe("+OK message deleted");
  expect((await mailboxes.mailbox("user.ann")).totals().messages).toBe(2);
  expect((await ask(`${login}DELE 1\r\nQUIT\r\n`)).length).toBe(4);
  expect((await mailboxes.mailbox("user.ann")).totals().messages).toBe(1);
});

test("who is silent before a login is sent away after login_timeout", async () => {
  const clock = new ManualClock();
  const { pop3 } = await world({ config: { login_timeout: 5 } });
  const [mine, theirs] = connectionPair(clock);
  new Pop3Session(pop3.server, theirs).start();
  const client = new LineDialogue(mine);
  await client.line();
  clock.advance(10_000);
  expect(await client.end()).toBe("");
});
