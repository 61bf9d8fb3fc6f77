// The commands on mailboxes of other servers, as a frontend and as a unified server.

import { expect, test } from "bun:test";
import { formatReferral } from "../../lib/imap/referral.ts";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, type ImapClient, listOf, loggedIn, testServer } from "../support/imap-session.ts";
import { JoinedRouter } from "../support/joined-servers.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

const acl = "ann lrswipkxtea";
const message = "Subject: hi\r\n\r\nhello\r\n"; // 22 octets

interface Murder {
  readonly one: MailWorld;
  readonly two: MailWorld;
  readonly here: MailWorld;
  readonly router: JoinedRouter;
  readonly client: ImapClient;
}

/** INBOX and INBOX.a on be1, INBOX.b on be2, INBOX.here on the unified server itself. */
async function murder(capabilities?: readonly string[]): Promise<Murder> {
  const one = await MailWorld.of([entry("user.ann", acl), entry("user.ann.a", acl)]);
  const two = await MailWorld.of([entry("user.ann.b", acl, { uidValidity: 7 }), entry("user.ann.full", acl)]);
  const entries = [
    entry("user.ann", acl, { server: "be1" }),
    entry("user.ann.a", acl, { server: "be1" }),
    entry("user.ann.b", acl, { server: "be2" }),
    entry("user.ann.full", acl, { server: "be2" }),
    entry("user.ann.away", acl, { server: "be3" }),
    entry("user.ann.here", acl),
  ];
  const servers = new Map([
    ["be1", one.server],
    ["be2", two.server],
  ]);
  const router = new JoinedRouter(await listOf(...entries), servers, capabilities);
  const here = await MailWorld.of(entries, { router });
  await one.deliver("user.ann", [mail("one"), mail("two"), mail("three")]);
  return { one, two, here, router, client: loggedIn(here.server, "ann") };
}

async function messages(world: MailWorld, name: string): Promise<string[]> {
  const mailbox = await world.mailbox(name);
  return [...mailbox.records(Array.from(mailbox.uids()) as never, "ann")].map(
    ({ uid, flags, internalDateMs }) =>
      `${uid} ${flags.system} ${flags.keywords.join(" ")} ${new Date(internalDateMs).toISOString()}`,
  );
}

test("SELECT, FETCH, STORE and CLOSE work on another server as on this one", async () => {
  const { client } = await murder();
  expect((await client.command("SELECT INBOX")).at(-1)).toBe("OK [READ-WRITE] Completed");
  await client.play(`
    C: a1 FETCH 2 (UID RFC822.SIZE)
    S: * 2 FETCH (UID 2 RFC822.SIZE 125)
    S: a1 OK Completed
    C: a2 STORE 2 +FLAGS (\\Deleted)
    S: * 2 FETCH (FLAGS (\\Recent \\Deleted))
    S: a2 OK Completed
    C: a3 CLOSE
    S: a3 OK Completed
    C: a4 NOOP
    S: a4 OK Completed
    C: a5 CHECK
    S: a5 BAD Please select a mailbox first
  `);
  expect((await client.command("EXAMINE INBOX"))[0]).toBe("* 2 EXISTS");
  expect(await client.command("UNSELECT")).toEqual(["OK Completed"]);
});

test("SELECT of a mailbox on another server leaves the old one there, and a failing one leaves nothing selected", async () => {
  const { client, router } = await murder();
  await client.command("SELECT INBOX");
  await client.command("SELECT INBOX.b");
  expect(router.remotes.get("be1")!.asked).toContain("UNSELECT");
  expect(await client.command("SELECT INBOX.nosuch")).toEqual([
    "* OK [CLOSED] Mailbox is closed",
    "NO [NONEXISTENT] Mailbox does not exist",
  ]);
  expect(router.remotes.get("be2")!.asked).toContain("UNSELECT");
  expect(await client.command("CHECK")).toEqual(["BAD Please select a mailbox first"]);
  await client.command("SELECT INBOX.here");
  expect(await client.command("SELECT INBOX.away")).toEqual([
    "* OK [CLOSED] Mailbox is closed",
    "NO [UNAVAILABLE] Server(s) unavailable to complete operation",
  ]);
  expect(await client.command("CHECK")).toEqual(["BAD Please select a mailbox first"]);
});

test("a lost server costs the client the mailbox and not the session", async () => {
  const { client, router } = await murder();
  await client.command("SELECT INBOX");
  router.remotes.get("be1")!.connection.destroy();
  expect(await client.command("FETCH 1 UID")).toEqual([
    "* OK [CLOSED] Mailbox is no longer available",
    "NO [UNAVAILABLE] Server(s) unavailable to complete operation",
  ]);
  expect(await client.command("NOOP")).toEqual(["OK Completed"]);
  expect((await client.command("SELECT INBOX")).at(-1)).toBe("OK [READ-WRITE] Completed");
});

test("COPY within one other server is one command there (S105)", async () => {
  const { client, router } = await murder();
  await client.command("SELECT INBOX");
  expect(await client.command("COPY 1:2 INBOX.a")).toEqual(["OK [COPYUID 1 1:2 1:2] Completed"]);
  expect(router.remotes.get("be1")!.asked.filter((text) => /FETCH|APPEND/.test(text))).toEqual([]);
});

test.each([
  ["INBOX", "INBOX.b", "OK [COPYUID 7 1,3 1:2] Completed"],
  ["INBOX", "INBOX.here", "OK [COPYUID 1 1,3 1:2] Completed"],
])("COPY from %s to %s keeps flags and INTERNALDATE, and tells the source's UIDs (S106)", async (from, to, answer) => {
  const { one, two, here, client } = await murder();
  await one.flag("user.ann", [3], SystemFlags.flagged | SystemFlags.seen);
  await client.command(`SELECT ${from}`);
  expect(await client.command(`COPY 1,3 ${to}`)).toEqual([answer]);
  const target = to === "INBOX.b" ? two : here;
  expect(await messages(target, `user.ann.${to.slice(6)}`)).toEqual([
    "1 0  2026-11-23T12:00:00.000Z",
    `2 ${SystemFlags.flagged | SystemFlags.seen}  2026-11-23T12:00:00.000Z`,
  ]);
  await client.command(`SELECT ${to}`);
  expect(await client.command("FETCH 2 BODY.PEEK[TEXT]")).toContain("body of three");
});

test("COPY from here to another server works too", async () => {
  const { here, two, client } = await murder();
  await here.deliver("user.ann.here", [mail("local")], SystemFlags.answered, ["$Label"]);
  await client.command("SELECT INBOX.here");
  expect(await client.command("UID COPY 1 INBOX.b")).toEqual(["OK [COPYUID 7 1 1] Completed"]);
  expect(await messages(two, "user.ann.b")).toEqual([`1 ${SystemFlags.answered} $Label 2026-11-23T12:00:00.000Z`]);
});

test("a COPY across servers that fails half-way leaves the target as it was (S107)", async () => {
  const { two, client } = await murder();
  await two.quota.setLimits("user.ann.full" as never, { MESSAGE: 2 }, { bytes: 0, messages: 0 });
  await client.command("SELECT INBOX");
  expect(await client.command("COPY 1:3 INBOX.full")).toEqual(["NO [OVERQUOTA] Over quota"]);
  expect(await messages(two, "user.ann.full")).toEqual([]);
});

test("COPY to what is nowhere is NO [TRYCREATE], to a server that is away NO [UNAVAILABLE]", async () => {
  const { client } = await murder();
  await client.command("SELECT INBOX");
  expect(await client.command("COPY 1 INBOX.nosuch")).toEqual(["NO [TRYCREATE] Mailbox does not exist"]);
  expect((await client.command("COPY 1 INBOX.away"))[0]).toStartWith("NO [UNAVAILABLE]");
});

test("MOVE across servers tells COPYUID, then the EXPUNGEs, then OK (R34)", async () => {
  const { two, one, client } = await murder();
  await client.command("SELECT INBOX");
  expect(await client.command("MOVE 1,3 INBOX.b")).toEqual([
    "* OK [COPYUID 7 1,3 1:2] Moved",
    "* 1 EXPUNGE",
    "* 2 EXPUNGE",
    "OK Completed",
  ]);
  expect((await messages(two, "user.ann.b")).length).toBe(2);
  expect((await messages(one, "user.ann")).length).toBe(1);
});

test("what the source's server tells during a copy reaches the client", async () => {
  const { one, client } = await murder();
  await client.command("SELECT INBOX");
  await one.deliver("user.ann", [mail("four")]);
  const answer = await client.command("COPY 1 INBOX.b");
  expect(answer).toContain("* 4 EXISTS");
});

test.each([[["LITERAL+"]], [[]]])("APPEND to another server with %p", async (capabilities) => {
  const { client, two } = await murder(capabilities);
  expect(await client.command(`APPEND INBOX.b (\\Seen) {22+}\r\n${message}`)).toEqual(["OK [APPENDUID 7 1] Completed"]);
  client.send("s1 APPEND {7}\r\n");
  expect(await client.line()).toBe("+ go ahead");
  client.send("INBOX.b {22}\r\n");
  expect(await client.line()).toBe("+ go ahead");
  client.send(`${message} (\\Flagged) {22}\r\n`);
  expect(await client.line()).toBe("+ go ahead");
  client.send(`${message}\r\n`);
  expect(await client.line()).toBe("s1 OK [APPENDUID 7 2:3] Completed");
  expect((await messages(two, "user.ann.b")).map((line) => line.split(" ")[1])).toEqual([
    String(SystemFlags.seen),
    "0",
    String(SystemFlags.flagged),
  ]);
});

test("the other server's refusal of a big message comes before the message is sent", async () => {
  const { client, two } = await murder();
  await two.quota.setLimits("user.ann.full" as never, { STORAGE: 10 }, { bytes: 0, messages: 0 });
  expect(await client.command("APPEND INBOX.full {100000}")).toEqual(["NO [OVERQUOTA] Over quota"]);
  expect(await client.command(`APPEND INBOX.full {22+}\r\n${message}`)).toEqual(["OK [APPENDUID 1 1] Completed"]);
});

test("a message of megabytes passes through, and a bad end of the command undoes it", async () => {
  const { client, two } = await murder();
  const big = `Subject: big\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(30_000)}`;
  expect(await client.command(`APPEND INBOX.b {${big.length}+}\r\n${big}`)).toEqual(["OK [APPENDUID 7 1] Completed"]);
  expect(await client.command(`APPEND INBOX.b {22+}\r\n${message} (\\Nonsense) {22+}\r\n${message}`)).toEqual([
    'BAD Invalid system flag "\\Nonsense"',
  ]);
  expect((await messages(two, "user.ann.b")).length).toBe(1);
  expect(await client.command(`APPEND INBOX.b {22+}\r\n${message}`)).toEqual(["OK [APPENDUID 7 2] Completed"]);
});

test("a server that is lost in mid-literal is NO [UNAVAILABLE], and the session goes on", async () => {
  const { client, router } = await murder();
  client.send("a1 APPEND INBOX.b {22}\r\n");
  expect(await client.line()).toBe("+ go ahead");
  client.send(message.slice(0, 5));
  router.remotes.get("be2")!.connection.destroy();
  client.send(`${message.slice(5)}\r\n`);
  expect(await client.line()).toBe("a1 NO [UNAVAILABLE] Server(s) unavailable to complete operation");
  expect(await client.command(`APPEND INBOX.b {22+}\r\n${message}`)).toEqual(["OK [APPENDUID 7 1] Completed"]);
});

test("IDLE on another server's mailbox tells of deliveries at once (R25)", async () => {
  const { client, one } = await murder();
  await client.command("SELECT INBOX");
  client.send("i1 IDLE\r\n");
  expect(await client.line()).toBe("+ idling");
  await one.deliver("user.ann", [mail("four")]);
  expect(await client.line()).toBe("* 4 EXISTS");
  expect(await client.line()).toBe("* 4 RECENT");
  client.send("DONE\r\n");
  expect(await client.line()).toBe("i1 OK Completed");
  client.send("i2 IDLE\r\n");
  expect(await client.line()).toBe("+ idling");
  client.send("nonsense\r\n");
  expect(await client.line()).toBe('i2 BAD Expected "DONE"');
  expect(await client.command("NOOP")).toEqual(["OK Completed"]);
});

test("a server lost during IDLE without a way back closes the mailbox at once, and the client ends the IDLE", async () => {
  const { client, router } = await murder();
  await client.command("SELECT INBOX");
  client.send("i1 IDLE\r\n");
  expect(await client.line()).toBe("+ idling");
  router.remotes.get("be1")!.connection.destroy();
  expect(await client.line()).toBe("* OK [CLOSED] Mailbox is no longer available");
  client.send("DONE\r\n");
  expect(await client.line()).toBe("i1 OK Completed");
  expect(await client.command("NOOP")).toEqual(["OK Completed"]);
});

test("a frontend that keeps no mailboxes needs no store for any of this", async () => {
  const { router } = await murder();
  const frontend = loggedIn(testServer({ list: router.list, router }), "ann");
  await frontend.command("SELECT INBOX");
  expect(await frontend.command("COPY 1 INBOX.b")).toEqual(["OK [COPYUID 7 1 1] Completed"]);
});

test("a client that used RLIST is referred by SELECT, EXAMINE and APPEND, and nobody else is (S93, S147–S150)", async () => {
  const { client } = await murder();
  await client.command('RLIST "" INBOX');
  const referral = "NO [REFERRAL imap://;AUTH=*@be2/INBOX.b] Remote mailbox.";
  expect(await client.command("SELECT INBOX.b")).toEqual([referral]);
  expect(await client.command("EXAMINE INBOX.b")).toEqual([referral]);
  expect(await client.command("APPEND INBOX.b {22}")).toEqual([referral]);
  expect((await client.command("SELECT INBOX.here")).at(-1)).toBe("OK [READ-WRITE] Completed");
});

test("referrals write names in UTF-8, percent-encoded (RFC 5092)", () => {
  expect(formatReferral("be1.lab", "user/Entw&APw-rfe x", false)).toBe("imap://;AUTH=*@be1.lab/user/Entw%C3%BCrfe%20x");
  expect(formatReferral("be1.lab", "news", true)).toBe("imap://;AUTH=anonymous@be1.lab/news");
});
