// NOTIFY at a frontend when a server goes away and comes back, against servers that the test plays.

import { expect, test } from "bun:test";
import { ManualClock } from "../../../lib/base/clock.ts";
import { requireMailboxName } from "../../../lib/mailbox/name.ts";
import { selectAnswerWith, selectedInbox } from "../../support/returning-backend.ts";
import { lines, quiet } from "../../support/scripted-backend.ts";

const events = "(MessageNew MessageExpunge)";

test("what changed in the selected mailbox while its server was away is told as soon as it is back", async () => {
  const { client, backend, servers } = await selectedInbox();
  client.send(`a1 NOTIFY SET (selected ${events})\r\n`);
  await backend.answer(`NOTIFY SET (selected ${events})`);
  await backend.answer("NOOP");
  expect(await client.line()).toBe("a1 OK Completed");
  backend.connection.destroy();
  const again = await servers.next();
  const answer = selectAnswerWith(3, 11, 120);
  await again.answer("SELECT INBOX", answer, "OK [READ-WRITE] Completed");
  await again.answer("UID SEARCH ALL", ["SEARCH 2 9 10"]);
  const aside = await servers.next();
  await aside.answer("ENABLE QRESYNC", ["ENABLED QRESYNC"]);
  await aside.answer("EXAMINE INBOX (QRESYNC (7 100))", [...answer, "VANISHED (EARLIER) 5"], "OK Completed");
  expect(await lines(client, 3)).toEqual(["* 2 EXPUNGE", "* 3 EXISTS", "* 0 RECENT"]);
  await again.answer(`NOTIFY SET (selected ${events})`);
  again.send("* 4 EXISTS\r\n");
  expect(await client.line()).toBe("* 4 EXISTS");
});

test("a server that is back is asked again, and only what changed meanwhile is told", async () => {
  const clock = new ManualClock();
  const { client, backend, servers } = await selectedInbox({ clock });
  client.send(`a1 NOTIFY SET (mailboxes (INBOX.b INBOX) ${events})\r\n`);
  const asked = [
    "NOTIFY SET STATUS (mailboxes (INBOX.b) (MessageNew MessageExpunge))",
    "NOTIFY SET STATUS (mailboxes (INBOX) (MessageNew MessageExpunge))",
  ];
  const before = await Promise.all([servers.next(), servers.next()]);
  const [b, inbox] = before[0]!.server === "be2" ? before : before.toReversed();
  await b!.answer(asked[0]!, ["STATUS INBOX.b (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)"]);
  await inbox!.answer(asked[1]!, ["STATUS INBOX (MESSAGES 3 UIDNEXT 10 UIDVALIDITY 7)"]);
  await backend.answer("NOOP");
  expect(await client.line()).toBe("a1 OK Completed");

  servers.goAway();
  b!.connection.destroy();
  await quiet();
  clock.advance(1_000);
  await quiet();
  expect(servers.triedInVain).toBeGreaterThan(0);
  servers.comeBack();
  clock.advance(10_000);
  const again = await servers.next();
  await again.answer(asked[0]!, ["STATUS INBOX.b (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)"]);
  await quiet();
  expect(client.left).toBe("");

  again.connection.destroy();
  await quiet();
  clock.advance(10_000);
  const third = await servers.next();
  await third.answer(asked[0]!, ["STATUS INBOX.b (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7)"]);
  expect(await client.line()).toBe("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 5)");
});

test("a server that cannot be reached at first is a NO, and nothing is watched", async () => {
  const { client, backend, servers, session } = await selectedInbox();
  servers.goAway();
  client.send(`a1 NOTIFY SET (mailboxes INBOX.b ${events})\r\n`);
  await backend.answer("NOOP");
  expect(await client.line()).toStartWith("a1 NO [UNAVAILABLE] ");
  expect(session.notifier).toBeUndefined();
});

test("a mailbox that its server does not know yet is asked for again", async () => {
  const clock = new ManualClock();
  const { client, backend, servers } = await selectedInbox({ clock });
  client.send(`a1 NOTIFY SET (mailboxes INBOX.b ${events})\r\n`);
  const b = await servers.next();
  await b.answer("NOTIFY SET STATUS (mailboxes (INBOX.b) (MessageNew MessageExpunge))");
  await backend.answer("NOOP");
  expect(await client.line()).toBe("a1 OK Completed");
  clock.advance(1_000);
  await b.answer("NOTIFY SET STATUS (mailboxes (INBOX.b) (MessageNew MessageExpunge))", [
    "STATUS INBOX.b (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7)",
  ]);
  expect(await client.line()).toBe("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 5)");
});

test("servers end sessions that say nothing: this one is kept alive", async () => {
  const clock = new ManualClock();
  const { client, backend, servers } = await selectedInbox({ clock });
  client.send(`a1 NOTIFY SET (mailboxes INBOX.b ${events})\r\n`);
  const b = await servers.next();
  await b.answer("NOTIFY SET STATUS (mailboxes (INBOX.b) (MessageNew MessageExpunge))", [
    "STATUS INBOX.b (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7)",
  ]);
  await backend.answer("NOOP");
  await client.line();
  for (let turn = 0; turn < 3; turn += 1) {
    clock.advance(600_000);
    await b.answer("NOOP");
    await quiet();
  }
});

test("a mailbox that moves to another server is watched there, and its numbers go on", async () => {
  const { client, backend, servers, list } = await selectedInbox();
  client.send(`a1 NOTIFY SET (mailboxes (INBOX.b INBOX) ${events})\r\n`);
  const first = await servers.next();
  const second = await servers.next();
  const [be1, be2] = first.server === "be1" ? [first, second] : [second, first];
  await be1.answer(`NOTIFY SET STATUS (mailboxes (INBOX) ${events})`, ["STATUS INBOX (MESSAGES 1 UIDNEXT 2)"]);
  await be2.answer(`NOTIFY SET STATUS (mailboxes (INBOX.b) ${events})`, ["STATUS INBOX.b (MESSAGES 1 UIDNEXT 2)"]);
  await backend.answer("NOOP");
  expect(await client.line()).toBe("a1 OK Completed");

  const both = "INBOX.b INBOX"; // in the client's order
  const entry = list.find(requireMailboxName("user.ann.b"))!;
  await list.change([{ put: { ...entry, state: "moving" } }]);
  expect(await be2.line()).toEndWith("LOGOUT");
  await list.change([{ put: { ...entry, server: "be1" } }]);
  await be1.answer(`NOTIFY SET STATUS (mailboxes (${both}) ${events})`, [
    "STATUS INBOX (MESSAGES 1 UIDNEXT 2)",
    "STATUS INBOX.b (MESSAGES 1 UIDNEXT 2)",
  ]);
  await quiet();
  expect(client.left).toBe("");
  be1.send("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)\r\n");
  expect(await client.line()).toBe("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)");
});

test("a server that notifies no more ends all notifications (RFC 5465 §5.8)", async () => {
  const { client, backend, servers, session } = await selectedInbox();
  client.send(`a1 NOTIFY SET (mailboxes INBOX ${events})\r\n`);
  const be1 = await servers.next();
  await be1.answer(`NOTIFY SET STATUS (mailboxes (INBOX) ${events})`, ["STATUS INBOX (MESSAGES 1 UIDNEXT 2)"]);
  await backend.answer("NOOP");
  await client.line();
  be1.send("* OK [NOTIFICATIONOVERFLOW] Too much\r\n");
  expect(await client.line()).toBe("* OK [NOTIFICATIONOVERFLOW] A server has stopped to notify");
  expect(session.notifier).toBeUndefined();
});
