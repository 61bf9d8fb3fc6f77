import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { LmtpSession } from "../../lib/lmtp/session.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { askAndEnd } from "../support/half-close.ts";
import { entry, listOf } from "../support/imap-session.ts";
import { LmtpWorld, type LmtpWorldOptions } from "../support/lmtp-world.ts";

async function world(options: LmtpWorldOptions = {}): Promise<LmtpWorld> {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea"),
    entry("user.ann.lists", "anyone p"),
    entry("user.ann.private", "ann lrswip"),
    entry("user.bob", "bob lrswipkxtea", { partition: "other" }),
    entry("user.moving", "", { state: "moving" }),
    entry("user.far", "", { server: "be2.test" }),
    entry("dept", "anyone lrsp"),
    entry("closed", "anyone lrs"),
  );
  return new LmtpWorld(list, options).fill();
}

test("a message reaches every recipient, with one reply each in their order (R89, R95)", async () => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  await client.play(`
    C: MAIL FROM:<a@lab> SIZE=100 BODY=8BITMIME
    S: 250 2.1.0 Ok
    C: RCPT TO:<ann>
    S: 250 2.1.5 Ok
    C: RCPT TO:<nosuch@other.lab>
    S: 550 5.1.1 User unknown
    C: RCPT TO:<Bob@lab>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 Go ahead
    C: Subject: hi
    C:
    C: ..dotted
    C: .
    S: 250 2.1.5 Ok SESSIONID=<…>
    S: 250 2.1.5 Ok SESSIONID=<…>
    C: QUIT
    S: 221 2.0.0 Bye
  `);
  const [text] = await lmtp.texts("user.ann");
  expect(text).toMatch(
    /^Return-Path: <a@lab>\r\nReceived: from client\.test \(\[pair\]\)\r\n\tby mail\.test \(iatlas test\) with LMTP id \w+;\r\n\t\w{3}, .*\r\nSubject: hi\r\n\r\n\.dotted\r\n$/,
  );
  expect(await lmtp.texts("user.bob")).toEqual([text!]);
});

test("the greeting and LHLO tell what the server can (R88)", async () => {
  await (await world({ config: { maxmessagesize: 1000 } })).connect().play(`
    S: 220 mail.test iatlas test LMTP server ready
    C: LHLO client
    S: 250-mail.test
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250-PIPELINING
    S: 250-SIZE 1000
    S: 250-IGNOREQUOTA
    S: 250-XSESSION
    S: 250 Ok SESSIONID=<…>
  `);
});

test("commands out of order are refused (R87, R90)", async () => {
  await (await world()).connect().play(`
    S: 220 …
    C: EHLO client
    S: 500 5.5.2 Syntax error
    C: MAIL FROM:<>
    S: 503 5.5.1 Send LHLO first
    C: LHLO
    S: 501 5.5.4 LHLO needs a name
    C: lhlo client
    S: 250-…
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250-PIPELINING
    S: 250-SIZE
    S: 250-IGNOREQUOTA
    S: 250-XSESSION
    S: 250 …
    C: RCPT TO:<ann>
    S: 503 5.5.1 Send MAIL first
    C: MAIL FROM:<>
    S: 250 2.1.0 Ok
    C: MAIL FROM:<>
    S: 503 5.5.1 A message is being sent already
    C: DATA
    S: 503 5.5.1 No recipients
    C: RCPT TO:<ann> FOO=bar
    S: 501 5.5.4 Unrecognized parameter FOO
    C: RSET
    S: 250 2.0.0 Ok SESSIONID=<…>
    C: DATA
    S: 503 5.5.1 Send MAIL first
    C: VRFY ann
    S: 252 2.3.3 Try RCPT to attempt delivery
    C: STARTTLS
    S: 503 5.5.1 TLS is not available
    C: AUTH PLAIN
    S: 504 5.5.4 Unrecognized authentication type
  `);
});

test.each([
  ["ann+lists", "user.ann.lists"],
  ["ann+private", "user.ann"],
  ["ann+nosuch", "user.ann"],
  ["ann+lists/deep", "user.ann"],
  ["+dept", "dept"],
])("mail for %s goes to %s", async (recipient, mailbox) => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  client.send(`MAIL FROM:<a@lab>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`);
  await client.play(`
    S: 250 2.1.0 Ok
    S: 250 2.1.5 Ok
    S: 354 Go ahead
    C: x
    C: .
    S: 250 2.1.5 Ok …
  `);
  expect(await lmtp.texts(mailbox)).toHaveLength(1);
});

test("whoever submitted the message posts with his own rights", async () => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  client.send("MAIL FROM:<a@lab> AUTH=ann\r\nRCPT TO:<ann+private>\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  expect(await client.line()).toStartWith("250 2.1.5");
  expect(await lmtp.texts("user.ann.private")).toHaveLength(1);
});

test("lmtp_fuzzy_mailbox_match delivers to the nearest folder above", async () => {
  const lmtp = await world({ config: { lmtp_fuzzy_mailbox_match: true } });
  const client = await lmtp.greeted();
  client.send("MAIL FROM:<a@lab>\r\nRCPT TO:<ann+lists/deep>\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  await client.line();
  expect(await lmtp.texts("user.ann.lists")).toHaveLength(1);
});

test("lmtp_catchall_mailbox gets mail for unknown users", async () => {
  const lmtp = await world({ config: { lmtp_catchall_mailbox: "bob" } });
  const client = await lmtp.greeted();
  client.send("MAIL FROM:<a@lab>\r\nRCPT TO:<nosuch>\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  await client.line();
  expect(await lmtp.texts("user.bob")).toHaveLength(1);
});

test.each([
  ["moving", "451 4.2.1 Mailbox is being moved or created"], // S142
  ["far", "451 4.2.1 Mailbox has moved to another server"],
  ["+closed", '550 5.7.1 You do not have permission to post a message to "closed"'],
  ["+nosuch", "550 5.1.1 User unknown"],
])("RCPT TO:<%s> is refused: %s", async (recipient, refusal) => {
  const client = await (await world()).greeted();
  await client.play(`
    C: MAIL FROM:<>
    S: 250 2.1.0 Ok
    C: RCPT TO:<${recipient}>
    S: ${refusal}
  `);
});

test("a mailbox that begins to move while the message comes in refuses it for now (S142)", async () => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  client.send("MAIL FROM:<a@lab>\r\nRCPT TO:<ann>\r\nRCPT TO:<bob>\r\nDATA\r\n");
  while (!(await client.line()).startsWith("354")) {}
  await lmtp.list.change([{ put: { ...lmtp.list.find(requireMailboxName("user.ann"))!, state: "moving" } }]);
  await client.play(`
    C: x
    C: .
    S: 451 4.2.1 Mailbox is being moved or created
    S: 250 2.1.5 Ok …
  `);
});

test("a full mailbox refuses at RCPT, or takes it with IGNOREQUOTA", async () => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  const root = requireMailboxName("user.ann");
  await lmtp.quota.setLimits(root, { STORAGE: 1 }, { bytes: 1024, messages: 1 });
  await client.play(`
    C: MAIL FROM:<>
    S: 250 2.1.0 Ok
    C: RCPT TO:<ann>
    S: 452 4.2.2 Over quota
    C: RCPT TO:<ann> IGNOREQUOTA
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 Go ahead
    C: x
    C: .
    S: 250 2.1.5 Ok …
  `);
  expect(lmtp.quota.find(root)!.messages).toBe(2);
});

test("lmtp_strict_quota counts the message; lmtp_over_quota_perm_failure refuses for good", async () => {
  const lmtp = await world({ config: { lmtp_strict_quota: true, lmtp_over_quota_perm_failure: true } });
  const client = await lmtp.greeted();
  await lmtp.quota.setLimits(requireMailboxName("user.ann"), { STORAGE: 1 });
  await client.play(`
    C: MAIL FROM:<> SIZE=2000
    S: 250 2.1.0 Ok
    C: RCPT TO:<ann>
    S: 552 5.2.2 Over quota
    C: RSET
    S: 250 …
    C: MAIL FROM:<>
    S: 250 2.1.0 Ok
    C: RCPT TO:<ann>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 Go ahead
  `);
  client.send(`${"x".repeat(2000)}\r\n.\r\n`);
  expect(await client.line()).toBe("552 5.2.2 Over quota");
});

test.each([
  ["a NUL", "a\0b\r\n.\r\n", "554 5.6.0 Message contains NUL characters"],
  ["a bare newline", "a\nb\r\n.\r\n", "554 5.6.0 Message contains bare newlines"],
  ["too much", `${"x".repeat(200)}\r\n.\r\n`, "552 5.3.4 Message size exceeds fixed limit (100)"],
])("a message with %s is refused for each recipient (R93)", async (_, message, refusal) => {
  const lmtp = await world({ config: { maxmessagesize: 100 } });
  const client = await lmtp.greeted();
  client.send(`MAIL FROM:<a@lab>\r\nRCPT TO:<ann>\r\nRCPT TO:<bob>\r\nDATA\r\n${message}NOOP\r\n`);
  while (!(await client.line()).startsWith("354")) {}
  await client.play(`
    S: ${refusal}
    S: ${refusal}
    S: 250 2.0.0 Ok
  `);
  expect(await lmtp.texts("user.ann")).toEqual([]);
});

test("a message that is announced too large is refused at MAIL", async () => {
  const client = await (await world({ config: { maxmessagesize: 100 } })).greeted();
  client.send("MAIL FROM:<a@lab> SIZE=101\r\n");
  expect(await client.line()).toBe("552 5.3.4 Message size exceeds fixed limit (100)");
});

test("a mailbox that is named twice gets the message once", async () => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  client.send("MAIL FROM:<a@lab>\r\nRCPT TO:<ann>\r\nRCPT TO:<ann+nosuch>\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  expect(await client.line()).toStartWith("250 2.1.5");
  expect(await client.line()).toStartWith("250 2.1.5");
  expect(await lmtp.texts("user.ann")).toHaveLength(1);
});

test("commands and messages sent in one go are answered in order (R88)", async () => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  const one = "MAIL FROM:<a@lab>\r\nRCPT TO:<ann>\r\nDATA\r\nhi\r\n.\r\n";
  client.send(`${one}${one}QUIT\r\n`);
  const codes = (await client.end()).match(/^\d+/gm);
  expect(codes).toEqual(["250", "250", "354", "250", "250", "250", "354", "250", "221"]);
  expect(await lmtp.texts("user.ann")).toHaveLength(2);
});

test("a client that has finished sending is answered; half a message is not delivered", async () => {
  const lmtp = await world();
  const ask = async (text: string) => {
    const heard = await askAndEnd((connection) => new LmtpSession(lmtp.server, connection).start(), text);
    return heard.match(/^\d+ /gm)?.map(Number);
  };
  const start = "LHLO client.test\r\nMAIL FROM:<a@lab>\r\nRCPT TO:<ann>\r\nDATA\r\nhi\r\n";
  expect(await ask(start)).toEqual([220, 250, 250, 250, 354]);
  expect(await lmtp.texts("user.ann")).toEqual([]);
  expect(await ask(`${start}.\r\n`)).toEqual([220, 250, 250, 250, 354, 250]);
  expect(await lmtp.texts("user.ann")).toHaveLength(1);
});

test("a client that leaves in the middle of a message delivers nothing (R91)", async () => {
  const lmtp = await world();
  const client = await lmtp.greeted();
  client.send("MAIL FROM:<a@lab>\r\nRCPT TO:<ann>\r\nDATA\r\nx\r\n");
  while (!(await client.line()).startsWith("354")) {}
  client.connection.destroy();
  while (lmtp.sessions > 0) await new Promise<void>((resolve) => setImmediate(resolve));
  expect(await lmtp.texts("user.ann")).toEqual([]);
});

test("without authentication nobody hands mail in, and only administrators may authenticate", async () => {
  const lmtp = await world({ isPreauthorized: false, config: { admins: ["murder"], allowplaintext: true } });
  const client = await lmtp.greeted();
  const plain = (user: string, password: string) => Buffer.from(`\0${user}\0${password}`).toString("base64");
  await client.play(`
    C: MAIL FROM:<>
    S: 430 4.7.0 Authentication required
    C: AUTH PLAIN ${plain("ann", "ann-secret")}
    S: 535 5.7.8 authentication failure
    C: AUTH PLAIN ${plain("murder", "wrong")}
    S: 535 5.7.8 authentication failure
    C: AUTH PLAIN
    S: 334 …
    C: *
    S: 501 5.5.4 Authentication cancelled
    C: AUTH PLAIN
    S: 334 …
    C: ${plain("murder", "murder-secret")}
    S: 235 Authenticated!
    C: MAIL FROM:<>
    S: 250 2.1.0 Ok
  `);
});

test("tls_required takes no login before TLS and offers none", async () => {
  const config = { admins: ["murder"], allowplaintext: true, tls_required: true };
  const lmtp = await world({ isPreauthorized: false, config });
  await lmtp.connect().play(`
    S: 220 …
    C: LHLO client
    S: 250-mail.test
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250-PIPELINING
    S: 250-SIZE
    S: 250-IGNOREQUOTA
    S: 250-XSESSION
    S: 250 …
    C: AUTH PLAIN
    S: 530 5.7.0 Must issue a STARTTLS command first
  `);
});

test("STARTTLS forgets what was said in the clear", async () => {
  const tls = {
    certificates: [],
    clientAuthorities: undefined,
    clientCertificates: "off" as const,
    minVersion: "TLSv1.2" as const,
    maxVersion: "TLSv1.3" as const,
    ciphers: undefined,
    handshakeTimeoutMs: 1000,
  };
  const client = await (await world({ tls })).greeted();
  client.send("STARTTLS\r\nMAIL FROM:<injected>\r\n");
  expect(await client.line()).toBe("220 Begin TLS negotiation now");
  await client.connection.startTlsClient({
    ...{ serverName: "mail.test", authorities: undefined, verify: false, client: undefined, handshakeTimeoutMs: 1000 },
  });
  await client.play(`
    C: MAIL FROM:<>
    S: 503 5.5.1 Send LHLO first
    C: STARTTLS
    S: 503 5.5.1 TLS is active already
  `);
});

test("a partition that is not there fails its recipients only", async () => {
  const lmtp = await world();
  const stage = lmtp.store.stage.bind(lmtp.store);
  lmtp.store.stage = (partition) =>
    partition === "other" ? Promise.reject(new Error("disk is gone")) : stage(partition);
  const client = await lmtp.greeted();
  client.send("MAIL FROM:<a@lab>\r\nRCPT TO:<bob>\r\nRCPT TO:<ann>\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  expect(await client.line()).toBe("451 4.3.0 Internal error");
  expect(await client.line()).toStartWith("250 2.1.5");
  expect(lmtp.defects).toHaveLength(1);
});

test("a client that is silent for too long is sent away", async () => {
  const lmtp = await world({ clock: new ManualClock(), config: { lmtp_idle_timeout: 0.05 } });
  expect(await lmtp.connect().end()).toContain("421 4.4.1 Idle for too long\r\n");
});
