import { expect, test } from "bun:test";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const be1 = { server: "be1" };
const be2 = { server: "be2" };

async function frontend() {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea", be1),
    entry("user.ann.foo", "ann lrswipkxtea", be1),
    entry("shared", "anyone lr", be2),
    entry("secret", "bob lr", be2),
  );
  const murder = new FakeMurder(list);
  return { murder, list, server: testServer({ list, router: murder }) };
}

test("SUBSCRIBE and UNSUBSCRIBE keep what LSUB shows, on a server with mailboxes (R19)", async () => {
  const server = await mailServer(["user.ann", "user.ann.foo", "user.ann.foo.bar"]);
  await loggedIn(server, "ann").play(`
    C: a1 SUBSCRIBE INBOX
    S: a1 OK Completed
    C: a2 SUBSCRIBE INBOX.foo.bar
    S: a2 OK Completed
    C: a3 SUBSCRIBE nosuch
    S: a3 NO [NONEXISTENT] Mailbox does not exist
    C: a4 LSUB "" *
    S: * LSUB () "." INBOX
    S: * LSUB () "." INBOX.foo.bar
    S: a4 OK Completed
    C: a5 LSUB "INBOX." %
    S: * LSUB (\\Noselect) "." INBOX.foo
    S: a5 OK Completed
    C: a6 UNSUBSCRIBE INBOX
    S: a6 OK Completed
    C: a7 UNSUBSCRIBE nosuch
    S: a7 OK Completed
    C: a8 LSUB "" %
    S: * LSUB (\\Noselect) "." INBOX
    S: a8 OK Completed
    C: a9 LSUB "" ""
    S: * LSUB (\\Noselect) "." ""
    S: a9 OK Completed
  `);
});

test("LSUB keeps the subscription to a mailbox that is gone, with \\Noselect (R19)", async () => {
  const server = await mailServer(["user.ann", "user.ann.old"]);
  await loggedIn(server, "ann").play(`
    C: a1 SUBSCRIBE INBOX.old
    S: a1 OK Completed
    C: a2 DELETE INBOX.old
    S: a2 OK Completed
    C: a3 LSUB "" *
    S: * LSUB (\\Noselect) "." INBOX.old
    S: a3 OK Completed
  `);
});

test("SUBSCRIBE on a backend takes names of other servers from a frontend, and from all with allowallsubscribe (S78)", async () => {
  const server = await mailServer(["user.ann"]);
  await loggedIn(server, "ann", { isProxied: true }).play(`
    C: a1 SUBSCRIBE shared
    S: a1 OK Completed
    C: a2 LSUB "" *
    S: * LSUB (\\Noselect) "." shared
    S: a2 OK Completed
  `);
  const lenient = await mailServer(["user.ann"], { config: { allowallsubscribe: true } });
  expect(await loggedIn(lenient, "ann").command("SUBSCRIBE shared")).toEqual(["OK Completed"]);
  expect(lenient.local.subscriptions.has("ann", requireMailboxName("shared"))).toBe(true);
});

test("LSUB at a frontend asks the home server and marks what the murder does not have (S75, S79, S80)", async () => {
  const { murder, server } = await frontend();
  murder.answers.set('LSUB "" *', {
    untagged: [
      'LSUB () "." INBOX',
      'LSUB (\\Noselect) "." shared', // the home server does not know other servers' mailboxes
      'LSUB () "." gone',
      'LSUB () "." "secret"',
      "OK still here",
    ],
  });
  await loggedIn(server, "ann").play(`
    C: a1 LSUB "" *
    S: * LSUB () "." INBOX
    S: * LSUB () "." shared
    S: * LSUB (\\Noselect) "." gone
    S: * LSUB (\\Noselect) "." secret
    S: a1 OK Completed
  `);
  expect(murder.asked).toEqual(['be1: LSUB "" *']);
});

test("LSUB % at a frontend follows its own rule over the whole list of subscriptions (R19)", async () => {
  const { murder, server } = await frontend();
  murder.answers.set('LSUB "" INBOX.*', { untagged: ['LSUB () "." INBOX.foo.bar', 'LSUB () "." INBOX.x'] });
  const client = loggedIn(server, "ann");
  await client.play(`
    C: a1 RLSUB "" INBOX.%
    S: * LSUB (\\Noselect) "." INBOX.x
    S: * LSUB (\\Noselect) "." INBOX.foo
    S: a1 OK Completed
  `);
  expect(client.session.understandsReferrals).toBe(true);
});

test("LSUB says NO when the home server is away or refuses, never OK with an empty list (S81, S82)", async () => {
  const { murder, server } = await frontend();
  murder.answers.set('LSUB "" *', { status: "NO", text: "[SERVERBUG] Out of luck" });
  const client = loggedIn(server, "ann");
  await client.play(`
    C: a1 LSUB "" *
    S: a1 NO The server of your subscriptions refused: [SERVERBUG] Out of luck
  `);
  murder.down.add("be1");
  await client.play(`
    C: a2 LSUB "" *
    S: a2 NO [UNAVAILABLE] The server of your subscriptions is not available
    C: a3 SUBSCRIBE INBOX
    S: a3 NO [UNAVAILABLE] Server(s) unavailable to complete operation
  `);
});

test("SUBSCRIBE at a frontend looks in the list, asks the master when it must, and goes home (S76, S77)", async () => {
  const { murder, list, server } = await frontend();
  const client = loggedIn(server, "ann");
  await client.play(`
    C: a1 SUBSCRIBE shared
    S: a1 OK Completed
    C: a2 SUBSCRIBE nosuch
    S: a2 NO [NONEXISTENT] Mailbox does not exist
    C: a3 SUBSCRIBE secret
    S: a3 NO [NONEXISTENT] Mailbox does not exist
    C: a4 UNSUBSCRIBE nosuch
    S: a4 OK Completed
  `);
  murder.onSettle = () => list.change([{ put: entry("fresh", "anyone lr", be2) }]);
  expect(await client.command("SUBSCRIBE fresh")).toEqual(["OK Completed"]);
  expect(murder.asked).toEqual(["be1: SUBSCRIBE shared", "be1: UNSUBSCRIBE nosuch", "be1: SUBSCRIBE fresh"]);
});

test("A user without INBOX has no subscriptions at a frontend", async () => {
  const { murder, server } = await frontend();
  await loggedIn(server, "dora").play(`
    C: a1 LSUB "" *
    S: a1 OK Completed
    C: a2 SUBSCRIBE shared
    S: a2 NO [CANNOT] …
  `);
  expect(murder.asked).toEqual([]);
});
