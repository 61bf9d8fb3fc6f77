// NOTIFY on a backend: names that change, and which sessions hear of what.

import { expect, test } from "bun:test";
import { mailboxWatchesOf } from "../../../lib/imap/notify/mailbox-watches.ts";
import { loggedIn, mailServer } from "../../support/imap-session.ts";

test("a renamed mailbox is told with its old name, and what is below it, too (RFC 5465 §5.4)", async () => {
  const server = await mailServer(["user.ann", "user.ann.a", "user.ann.a.b"]);
  const client = loggedIn(server, "ann");
  await client.command("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))");
  await loggedIn(server, "ann").command("RENAME INBOX.a INBOX.c");
  const heard = [await client.line(), await client.line()].sort();
  expect(heard).toEqual([
    '* LIST (\\HasChildren) "." INBOX.c ("OLDNAME" (INBOX.a))',
    '* LIST (\\HasNoChildren) "." INBOX.c.b ("OLDNAME" (INBOX.a.b))',
  ]);
  expect(await client.command("NOOP")).toEqual(["OK Completed"]);
});

test("a mailbox is watched once, however many sessions want to hear of it, and not when none does", async () => {
  const server = await mailServer(["user.ann", "user.ann.a"]);
  const watches = mailboxWatchesOf(server.local!.store);
  const clients = [1, 2, 3].map(() => loggedIn(server, "ann"));
  for (const client of clients) await client.command("NOTIFY SET (personal (MessageNew MessageExpunge))");
  expect(watches.size).toBe(2);
  await clients[0]!.command("NOTIFY NONE");
  await clients[1]!.command("NOTIFY SET (mailboxes INBOX (MessageNew MessageExpunge))");
  expect(watches.size).toBe(2);
  await clients[2]!.command("LOGOUT");
  await clients[1]!.command("NOOP");
  expect(watches.size).toBe(1);
  clients[1]!.close();
});

test("NOTIFY SET again goes on from what was told before: nothing in between is lost", async () => {
  const server = await mailServer(["user.ann", "user.ann.a"]);
  const client = loggedIn(server, "ann");
  await client.command("NOTIFY SET (personal (MessageNew MessageExpunge))");
  // In one packet: what the second writes is told to the first only after its own command.
  const writer = loggedIn(server, "ann");
  await writer.command("STATUS INBOX (MESSAGES)");
  client.send("a NOTIFY SET (mailboxes INBOX.a (MessageNew MessageExpunge))\r\n");
  writer.send("b APPEND INBOX.a {1+}\r\nx\r\n");
  const heard = [await client.line(), await client.line()].sort();
  expect(heard).toEqual(["* STATUS INBOX.a (MESSAGES 1 UIDNEXT 2)", "a OK Completed"]);
});

test("sessions that enabled CONDSTORE hear mod-sequences (RFC 5465 §5.2)", async () => {
  const server = await mailServer(["user.ann", "user.ann.a"]);
  const client = loggedIn(server, "ann");
  await client.command("ENABLE CONDSTORE");
  const [status] = await client.command("NOTIFY SET STATUS (mailboxes INBOX.a (MessageNew MessageExpunge))");
  expect(status).toMatch(/^\* STATUS INBOX.a \(MESSAGES 0 UIDNEXT 1 UIDVALIDITY \d+ HIGHESTMODSEQ \d+\)$/);
  loggedIn(server, "ann").send("b APPEND INBOX.a {1+}\r\nx\r\n");
  expect(await client.line()).toMatch(/^\* STATUS INBOX.a \(MESSAGES 1 UIDNEXT 2 HIGHESTMODSEQ \d+\)$/);
});

test("a user's mailbox that is deleted and made anew is another one", async () => {
  const server = await mailServer(["user.ann", "user.ann.a"]);
  const client = loggedIn(server, "ann");
  await client.command("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))");
  const writer = loggedIn(server, "ann");
  await writer.command("DELETE INBOX.a");
  expect(await client.line()).toBe('* LIST (\\NonExistent) "." INBOX.a');
  await writer.command("CREATE INBOX.a");
  expect(await client.line()).toBe('* LIST (\\HasNoChildren) "." INBOX.a');
});
