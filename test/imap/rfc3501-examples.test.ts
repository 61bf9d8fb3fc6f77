// The examples of RFC 3501 §6.4, RFC 4315, RFC 6851 and RFC 2177, with mailboxes that look as theirs do.

import { expect, test } from "bun:test";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, type ImapClient, loggedIn } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

const acl = "ann lrswipkxtea";

async function opened(count: number): Promise<{ world: MailWorld; client: ImapClient }> {
  const world = await MailWorld.of([entry("user.ann", acl), entry("MEETING", acl)]);
  await world.deliver(
    "user.ann",
    Array.from({ length: count }, (_, index) => mail(`m${index + 1}`)),
  );
  await loggedIn(world.server, "ann").command("SELECT INBOX"); // \Recent goes to another session
  const client = loggedIn(world.server, "ann");
  await client.command("SELECT INBOX");
  return { world, client };
}

test("§6.4.3 EXPUNGE of messages 3, 4, 7 and 11", async () => {
  const { world, client } = await opened(12);
  await world.flag("user.ann", [3, 4, 7, 11], SystemFlags.deleted);
  await client.command("NOOP");
  await client.play(`
    C: A202 EXPUNGE
    S: * 3 EXPUNGE
    S: * 3 EXPUNGE
    S: * 5 EXPUNGE
    S: * 8 EXPUNGE
    S: A202 OK Completed
  `);
});

test('§6.4.4 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"', async () => {
  const { world, client } = await opened(5);
  await world.flag("user.ann", [2, 4], SystemFlags.flagged);
  await client.command("NOOP");
  await client.play(`
    C: A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
    S: * SEARCH 2 4
    S: A282 OK Completed
    C: A283 SEARCH TEXT "string not in mailbox"
    S: * SEARCH
    S: A283 OK Completed
  `);
});

test("§6.4.5 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])", async () => {
  const { client } = await opened(4);
  const answer = await client.command("FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])");
  expect(answer.slice(0, 5)).toEqual([
    "* 2 FETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (DATE FROM)] {62}",
    "From: Ann <ann@lab>",
    "Date: Mon, 23 Nov 2026 12:00:00 +0000",
    "",
    ")",
  ]);
  expect(answer.length).toBe(16);
});

test("§6.4.6 STORE 2:4 +FLAGS (\\Deleted)", async () => {
  const { world, client } = await opened(4);
  await world.flag("user.ann", [2], SystemFlags.seen);
  await world.flag("user.ann", [4], SystemFlags.flagged | SystemFlags.seen);
  await client.command("NOOP");
  await client.play(`
    C: A003 STORE 2:4 +FLAGS (\\Deleted)
    S: * 2 FETCH (FLAGS (\\Deleted \\Seen))
    S: * 3 FETCH (FLAGS (\\Deleted))
    S: * 4 FETCH (FLAGS (\\Flagged \\Deleted \\Seen))
    S: A003 OK Completed
  `);
});

test("§6.4.7 COPY 2:4 MEETING, with RFC 4315's COPYUID, and RFC 6851's MOVE", async () => {
  const { client } = await opened(5);
  await client.play(`
    C: A003 COPY 2:4 MEETING
    S: A003 OK [COPYUID 1 2:4 1:3] Completed
    C: A004 UID MOVE 4:5 MEETING
    S: * OK [COPYUID 1 4:5 4:5] Moved
    S: * 4 EXPUNGE
    S: * 4 EXPUNGE
    S: A004 OK Completed
  `);
});

test("RFC 4315 §2.1: UID EXPUNGE 3000:3002 takes only what is in the set", async () => {
  const { world, client } = await opened(4);
  await world.flag("user.ann", [2, 3, 4], SystemFlags.deleted);
  await client.command("NOOP");
  expect(await client.command("UID EXPUNGE 3:3002")).toEqual(["* 3 EXPUNGE", "* 3 EXPUNGE", "OK Completed"]);
});

test("RFC 2177: an expunge and a delivery during IDLE", async () => {
  const { world, client } = await opened(3);
  client.send("A002 IDLE\r\n");
  expect(await client.line()).toBe("+ idling");
  await world.expunge("user.ann", [3]);
  expect(await client.line()).toBe("* 3 EXPUNGE");
  await world.deliver("user.ann", [mail("new")]);
  expect(await client.line()).toBe("* 3 EXISTS");
});
