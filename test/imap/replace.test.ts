// REPLACE and CATENATE where the rules are about room, rights and sizes; how they answer is in test/transcripts/.

import { expect, test } from "bun:test";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, listOf, loggedIn, testServer } from "../support/imap-session.ts";
import { JoinedRouter } from "../support/joined-servers.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

const message = "Subject: hi\r\n\r\nhello\r\n"; // 22 octets
const acl = "ann lrswipkxtea";

async function world(config = {}): Promise<MailWorld> {
  const made = await MailWorld.of(
    [entry("user.ann", acl), entry("user.ann.sub", acl), entry("user.bob.post", "ann lip"), entry("shared", acl)],
    { config },
  );
  await made.deliver("user.ann", [mail("one"), mail("two")], SystemFlags.flagged, ["Kept"]);
  return made;
}

test("REPLACE needs only the room that the old message does not leave", async () => {
  const made = await world();
  const { bytes } = (await made.mailbox("user.ann")).totals();
  await made.quota.setLimits("user.ann" as never, { MESSAGE: 2, STORAGE: 1 }, { bytes, messages: 2 });
  const client = loggedIn(made.server, "ann");
  await client.command("SELECT INBOX");
  expect(await client.command(`APPEND INBOX {22+}\r\n${message}`)).toEqual(["NO [OVERQUOTA] Over quota"]);
  expect((await client.command(`REPLACE 1 INBOX {22+}\r\n${message}`)).at(-1)).toBe("OK Completed");
  expect((await client.command(`REPLACE 1 INBOX.sub {22+}\r\n${message}`)).at(-1)).toBe("OK Completed");
  expect(await client.command("REPLACE 1 INBOX {2000}")).toEqual(["NO [OVERQUOTA] Over quota"]);
  expect(made.quota.find("user.ann" as never)).toMatchObject({ bytes: 44, messages: 2 });
  await client.command("SELECT INBOX.sub");
  expect((await client.command(`REPLACE 1 shared {22+}\r\n${message}`)).at(-1)).toBe("OK Completed");
  expect(made.quota.find("user.ann" as never)).toMatchObject({ bytes: 22, messages: 1 });
});

test("REPLACE of a message that another session has expunged is NO, and nothing is added", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  await client.command("SELECT INBOX");
  await made.expunge("user.ann", [2]);
  expect((await client.command(`REPLACE 2 INBOX.sub {22+}\r\n${message}`)).at(-1)).toStartWith("NO [EXPUNGEISSUED]");
  client.send("r1 UID REPLACE 1 INBOX {22}\r\n");
  expect(await client.line()).toBe("+ go ahead");
  await made.expunge("user.ann", [1]);
  client.send(`${message}\r\n`);
  const answer: string[] = [];
  while (!answer.at(-1)?.startsWith("r1 ")) answer.push(await client.line());
  expect(answer.at(-1)).toStartWith("r1 NO [EXPUNGEISSUED]");
  expect((await made.mailbox("user.ann")).totals()).toMatchObject({ messages: 0, uidNext: 3 as never });
});

test("REPLACE into a mailbox that may not be read tells no UID", async () => {
  const client = loggedIn((await world()).server, "ann");
  await client.command("SELECT INBOX");
  expect(await client.command(`REPLACE 1 user.bob.post (\\Flagged) {22+}\r\n${message}`)).toEqual([
    "* 1 EXPUNGE",
    "OK Completed",
  ]);
});

test("REPLACE where the server cannot is an APPEND and an EXPUNGE there", async () => {
  const one = await MailWorld.of([entry("user.ann", acl), entry("user.ann.sub", acl)]);
  await one.deliver("user.ann", [mail("one"), mail("two")]);
  const list = await listOf(entry("user.ann", acl, { server: "be1" }), entry("user.ann.sub", acl, { server: "be1" }));
  const router = new JoinedRouter(list, new Map([["be1", one.server]]));
  const client = loggedIn(testServer({ list, router }), "ann");
  await client.command("SELECT INBOX");
  expect(
    (await client.command(`REPLACE 1 INBOX.sub {22+}\r\n${message}`)).filter((line) => !/EXISTS|RECENT/.test(line)),
  ).toEqual(["* OK [APPENDUID 1 1] Replacement message ready", "* 1 EXPUNGE", "OK Completed"]);
  const { asked } = router.remotes.get("be1")!;
  expect(asked.some((text) => text.includes("REPLACE"))).toBe(false);
  expect(await client.command('APPEND INBOX CATENATE (URL "/INBOX/;UID=2")')).toEqual([
    "NO [CANNOT] The server of the mailbox cannot put messages together",
  ]);
});

test("a message of parts is as big as one message may be", async () => {
  const client = loggedIn((await world({ maxmessagesize: 200 })).server, "ann");
  const text = `TEXT {22+}\r\n${message}`;
  expect(await client.command(`APPEND INBOX CATENATE (${text} URL "/INBOX/;UID=1")`)).toEqual([
    "OK [APPENDUID 1 3] Completed",
  ]);
  expect(await client.command(`APPEND INBOX CATENATE (URL "/INBOX/;UID=1" URL "/INBOX/;UID=2")`)).toEqual([
    "NO [TOOBIG] Message too large: at most 200 octets",
  ]);
  expect(await client.command(`APPEND INBOX CATENATE (TEXT {1+}\r\n\0 URL "/INBOX/;UID=2")`)).toEqual([
    "NO Message contains NUL characters",
  ]);
  expect((await client.command("STATUS INBOX (MESSAGES)"))[0]).toBe("* STATUS INBOX (MESSAGES 3)");
});

test("a URL may be a literal", async () => {
  const client = loggedIn((await world()).server, "ann");
  expect(
    await client.command(
      "APPEND INBOX CATENATE (URL {13+}\r\n/INBOX/;UID=1 TEXT {3+}\r\nx\r\n URL {13+}\r\n/INBOX/;UID=9)",
    ),
  ).toEqual(['NO [BADURL "/INBOX/;UID=9"] Message could not be put together']);
  expect(await client.command("APPEND INBOX CATENATE (URL {13+}\r\n/INBOX/;UID=1)")).toEqual([
    "OK [APPENDUID 1 3] Completed",
  ]);
});

test.each(["", "(\\Seen) "])(
  "only other servers may say where a message comes from: APPEND INBOX %sX-IATLAS-FROM",
  async (before) => {
    const client = loggedIn((await world()).server, "ann");
    const from = `${before}X-IATLAS-FROM ("user.ann" 1 1) `;
    expect(await client.command(`APPEND INBOX ${from}{22+}\r\n${message}`)).toEqual(["BAD Expected a message literal"]);
    expect(String(await client.command("CAPABILITY"))).not.toContain("X-IATLAS");
  },
);

test("a MOVE that is asked again finds its messages, though there is no room for more (R34)", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  await client.command("SELECT INBOX");
  const target = await made.mailbox("shared");
  const mailbox = await made.mailbox("user.ann");
  const movedFrom = { mailbox: "user.ann", uidValidity: 1 };
  await mailbox.copyTo(target, [2 as never], "ann", undefined, { movedFrom }); // and was killed
  await made.quota.setLimits("shared" as never, { MESSAGE: 1 }, { bytes: 0, messages: 1 });
  expect(await client.command("MOVE 1:2 shared")).toEqual(["NO [OVERQUOTA] Over quota"]);
  expect(await client.command("MOVE 2 shared")).toEqual(["* OK [COPYUID 1 2 1] Moved", "* 2 EXPUNGE", "OK Completed"]);
  await made.quota.setLimits("shared" as never, {});
  expect((await client.command("COPY 1 shared"))[0]).toBe("OK [COPYUID 1 1 2] Completed");
  expect((await client.command("COPY 1 shared"))[0]).toBe("OK [COPYUID 1 1 3] Completed");
});
