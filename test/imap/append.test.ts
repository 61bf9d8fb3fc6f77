import { expect, test } from "bun:test";
import { OctetCheck } from "../../lib/message/octet-check.ts";
import { entry, type ImapClient, loggedIn } from "../support/imap-session.ts";
import { MailWorld, type MailWorldOptions } from "../support/mail-world.ts";

const message = "Subject: hi\r\n\r\nhello\r\n"; // 22 octets

async function world(options: MailWorldOptions = {}): Promise<MailWorld> {
  return await MailWorld.of(
    [entry("user.ann", "ann lrswipkxtea bob lrp carol li"), entry("user.ann.sub", "ann lrswipkxtea")],
    options,
  );
}

async function exists(client: ImapClient, mailbox = "INBOX"): Promise<string | undefined> {
  return (await client.command(`EXAMINE ${mailbox}`))[0];
}

test("APPEND invites the literal, keeps flags and date and tells the UID (R24)", async () => {
  const client = loggedIn((await world()).server, "ann");
  client.send('a1 APPEND INBOX (\\Seen $Label) "17-Jul-1996 02:44:25 -0700" {22}\r\n');
  expect(await client.line()).toBe("+ go ahead");
  client.send(`${message}\r\n`);
  expect(await client.line()).toBe("a1 OK [APPENDUID 1 1] Completed");
  await client.command("EXAMINE INBOX");
  expect((await client.command("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)"))[0]).toBe(
    '* 1 FETCH (FLAGS (\\Recent \\Seen $Label) INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 22)',
  );
});

test("APPEND into the selected mailbox shows EXISTS before the OK (R24)", async () => {
  const client = loggedIn((await world()).server, "ann");
  await client.command("SELECT INBOX");
  expect(await client.command(`APPEND INBOX {22+}\r\n${message}`)).toEqual([
    "* 1 EXISTS",
    "* 1 RECENT",
    "OK [APPENDUID 1 1] Completed",
  ]);
});

test("the mailbox name may be a literal", async () => {
  const client = loggedIn((await world()).server, "ann");
  expect(await client.command(`APPEND {9+}\r\nINBOX.sub (\\Seen) {22+}\r\n${message}`)).toEqual([
    "OK [APPENDUID 1 1] Completed",
  ]);
});

test.each([['{9+}\r\nINBOX.sub "" '], ["{9+}\r\nINBOX.sub {8+}\r\nuser.bob (\\Seen) "]])(
  "LOCALAPPEND %j is a Cyrus frontend's APPEND",
  async (names) => {
    const client = loggedIn((await world()).server, "ann");
    expect(await client.command(`LOCALAPPEND ${names}{22+}\r\n${message}`)).toEqual(["OK [APPENDUID 1 1] Completed"]);
  },
);

test("several messages are appended together (RFC 3502)", async () => {
  const client = loggedIn((await world()).server, "ann");
  const second = `(\\Flagged) "17-Jul-1996 02:44:25 +0000" {22+}\r\n${message}`;
  expect(await client.command(`APPEND INBOX {22+}\r\n${message} ${second} {22+}\r\n${message}`)).toEqual([
    "OK [APPENDUID 1 1:3] Completed",
  ]);
});

test("one bad message among several, and none is appended (R24)", async () => {
  const client = loggedIn((await world()).server, "ann");
  expect(await client.command(`APPEND INBOX {22+}\r\n${message} {5+}\r\na\nb\r\n {22+}\r\n${message}`)).toEqual([
    "NO Message contains bare newlines",
  ]);
  expect(await client.command(`APPEND INBOX {22+}\r\n${message} (\\Nonsense) {22+}\r\n${message}`)).toEqual([
    'BAD Invalid system flag "\\Nonsense"',
  ]);
  expect(await exists(client)).toBe("* 0 EXISTS");
});

test.each([
  ["INBOX {5+}\r\na\nb\r\n", "NO Message contains bare newlines"],
  ["INBOX {5+}\r\na\0b\r\n", "NO Message contains NUL characters"],
  ["INBOX {0+}\r\n", "NO Message is empty"],
  ["INBOX", "BAD Missing message literal"],
  [`INBOX {22+}\r\n${message} x`, "BAD Unexpected extra arguments"],
  [`INBOX "yesterday" {22+}\r\n${message}`, 'BAD Invalid date-time "yesterday"'],
  [`INBOX (\\Recent) {22+}\r\n${message}`, 'BAD Invalid system flag "\\Recent"'],
  [`INBOX.nosuch {22+}\r\n${message}`, "NO [TRYCREATE] Mailbox does not exist"],
  [`nosuch {22+}\r\n${message}`, "NO [NONEXISTENT] Mailbox does not exist"],
])("APPEND %j is refused: %s", async (args, answer) => {
  const client = loggedIn((await world()).server, "ann");
  expect(await client.command(`APPEND ${args}`)).toEqual([answer]);
  expect(await exists(client)).toBe("* 0 EXISTS");
  expect(await client.command("NOOP")).toEqual(["OK Completed"]);
});

test.each([
  ["bob", "user.ann {22}", "NO [NOPERM] Permission denied"],
  ["ann", "INBOX {2000}", "NO [TOOBIG] Message too large: at most 1000 octets"],
  ["ann", "INBOX.sub {500}", "NO [OVERQUOTA] Over quota"],
  ["ann", "INBOX.nosuch {22}", "NO [TRYCREATE] Mailbox does not exist"],
])("%s: APPEND %s is refused before the message is sent (R24)", async (user, args, answer) => {
  const made = await world({ config: { maxmessagesize: 1000 } });
  await made.quota.setLimits("user.ann.sub" as never, { STORAGE: 1 }, { bytes: 1000, messages: 1 });
  expect(await loggedIn(made.server, user).command(`APPEND ${args}`)).toEqual([answer]);
});

test("APPEND with the i right alone works, without telling UIDs and without flags (R110)", async () => {
  const made = await world();
  expect(await loggedIn(made.server, "carol").command(`APPEND user.ann (\\Flagged) {22+}\r\n${message}`)).toEqual([
    "OK Completed",
  ]);
  const ann = loggedIn(made.server, "ann");
  await ann.command("SELECT INBOX");
  expect((await ann.command("FETCH 1 FLAGS"))[0]).toBe("* 1 FETCH (FLAGS (\\Recent))");
});

test("a client that leaves in mid-literal leaves nothing behind", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  client.send("a1 APPEND INBOX {22}\r\n");
  await client.line();
  client.send("Subject");
  client.close();
  expect(await exists(loggedIn(made.server, "ann"))).toBe("* 0 EXISTS");
});

test("OctetCheck sees a line feed whose carriage return came in the piece before", () => {
  const good = new OctetCheck();
  good.look(Buffer.from("a\r"));
  good.look(Buffer.from("\nb\r\n"));
  expect(good.fault).toBeUndefined();
  const bad = new OctetCheck();
  bad.look(Buffer.from("a"));
  bad.look(Buffer.from("\nb\r\n"));
  expect(bad.fault).toBeDefined();
});

test("a line too long in the middle of an APPEND ends it, and the next command is itself", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  expect(await client.command(`APPEND INBOX {22+}\r\n${message} (${"x".repeat(70_000)}`)).toEqual([
    "BAD Command line too long",
  ]);
  expect(await client.command("NOOP")).toEqual(["OK Completed"]);
  expect(await exists(client)).toBe("* 0 EXISTS");
});

test("one APPEND takes a thousand messages with flags and dates (RFC 3502)", async () => {
  const client = loggedIn((await world()).server, "ann");
  const body = `${message}${"x".repeat(100)}\r\n`;
  const one = ` (\\Seen $Label) "17-Jul-1996 02:44:25 -0700" {${body.length}+}\r\n${body}`;
  expect((await client.command(`APPEND INBOX${one.repeat(1500)}`)).at(-1)).toBe("OK [APPENDUID 1 1:1500] Completed");
});
