import { expect, test } from "bun:test";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { MurderRouter } from "../../lib/murder/router.ts";
import { deliver } from "../mailbox/store-fixtures.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { administrator, entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const be1 = { server: "be1" };
const be2 = { server: "be2" };

async function fill(server: Awaited<ReturnType<typeof mailServer>>, mailbox: string, count: number): Promise<void> {
  const { uniqueId, partition } = server.list.find(name(mailbox))!;
  const opened = await server.local.store.open(uniqueId, partition);
  await deliver(server.local.store, opened, Array(count).fill("x".repeat(1000)));
  opened.release();
}

test("SETQUOTA by an administrator counts what is there; GETQUOTA and GETQUOTAROOT show it (R116, R117, R118)", async () => {
  const server = await mailServer(["user.ann", "user.ann.sub", "user.bob"]);
  await fill(server, "user.ann", 2);
  await fill(server, "user.ann.sub", 3);
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 SETQUOTA user.ann (STORAGE 1000 MESSAGE 50)
    S: * QUOTA user.ann (STORAGE 5 1000 MESSAGE 5 50)
    S: a1 OK Completed
    C: a2 SETQUOTA user.ann (STORAGE 2000)
    S: * QUOTA user.ann (STORAGE 5 2000)
    S: a2 OK Completed
    C: a3 GETQUOTA user.ann
    S: * QUOTA user.ann (STORAGE 5 2000)
    S: a3 OK Completed
    C: a4 GETQUOTA user.bob
    S: a4 NO [NONEXISTENT] Quota root does not exist
    C: a5 SETQUOTA user.nosuch (STORAGE 1)
    S: a5 NO [NONEXISTENT] Mailbox does not exist
    C: a6 SETQUOTA user.ann (SHELVES 1)
    S: a6 NO [CANNOT] Quota resource "SHELVES" is not supported
    C: a7 SETQUOTA user.ann (STORAGE 1 STORAGE 2)
    S: a7 BAD …
    C: a8 SETQUOTA user.ann (STORAGE -1)
    S: a8 BAD …
    C: a9 SETQUOTA user.ann ()
    S: * QUOTA user.ann ()
    S: a9 OK Completed
  `);
  await loggedIn(server, "ann").play(`
    C: a1 GETQUOTAROOT INBOX.sub
    S: * QUOTAROOT INBOX.sub INBOX
    S: * QUOTA INBOX ()
    S: a1 OK Completed
    C: a2 GETQUOTA INBOX
    S: * QUOTA INBOX ()
    S: a2 OK Completed
    C: a3 SETQUOTA INBOX (STORAGE 1)
    S: a3 NO [NOPERM] Permission denied
  `);
  await loggedIn(server, "bob").play(`
    C: a1 GETQUOTAROOT INBOX
    S: * QUOTAROOT INBOX
    S: a1 OK Completed
    C: a2 GETQUOTA user.ann
    S: a2 NO [NONEXISTENT] Quota root does not exist
    C: a3 GETQUOTAROOT user.ann
    S: a3 NO [NONEXISTENT] Mailbox does not exist
  `);
});

test("A new root below another takes its usage with it (R121)", async () => {
  const server = await mailServer(["user.ann", "user.ann.sub"]);
  await fill(server, "user.ann", 1);
  await fill(server, "user.ann.sub", 2);
  const admin = loggedIn(server, "cyrus", administrator);
  await admin.play(`
    C: a1 SETQUOTA user.ann (MESSAGE 10)
    S: * QUOTA user.ann (MESSAGE 3 10)
    S: a1 OK Completed
    C: a2 SETQUOTA user.ann.sub (MESSAGE 5)
    S: * QUOTA user.ann.sub (MESSAGE 2 5)
    S: a2 OK Completed
    C: a3 GETQUOTA user.ann
    S: * QUOTA user.ann (MESSAGE 1 10)
    S: a3 OK Completed
  `);
});

test("An administrator whom a frontend speaks for may not set quota (S71)", async () => {
  const server = await mailServer(["user.ann"]);
  const proxied = loggedIn(server, "cyrus", { isProxied: true });
  expect(await proxied.command("SETQUOTA user.ann (STORAGE 1)")).toEqual(["NO [NOPERM] Permission denied"]);
});

test("Quota at a frontend is asked of the server of the root's mailboxes (S85, S86, S87)", async () => {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea", be1),
    entry("user.ann.sub", "ann lrswipkxtea", be1),
    entry("spread", "anyone lr", be1),
    entry("spread.more", "anyone lr", be2),
    entry("only.below", "anyone lr", be2),
  );
  const murder = new FakeMurder(list);
  murder.answers.set("GETQUOTA INBOX", { untagged: ["QUOTA INBOX (STORAGE 1 2)"] });
  murder.answers.set("GETQUOTAROOT INBOX.sub", { untagged: ["QUOTAROOT INBOX.sub INBOX", "QUOTA INBOX ()"] });
  const server = testServer({ list, router: murder });
  await loggedIn(server, "ann").play(`
    C: a1 GETQUOTA INBOX
    S: * QUOTA INBOX (STORAGE 1 2)
    S: a1 OK Completed
    C: a2 GETQUOTAROOT INBOX.sub
    S: * QUOTAROOT INBOX.sub INBOX
    S: * QUOTA INBOX ()
    S: a2 OK Completed
    C: a3 GETQUOTA spread
    S: a3 NO [CANNOT] This mailbox hierarchy does not exist on a single backend server
    C: a4 GETQUOTA nosuch
    S: a4 NO [NONEXISTENT] Quota root does not exist
    C: a5 SETQUOTA INBOX (STORAGE 1)
    S: a5 NO [NOPERM] Permission denied
  `);
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 SETQUOTA only (STORAGE 5)
    S: a1 OK Completed
    C: a2 SETQUOTA spread (STORAGE 5)
    S: a2 NO [CANNOT] This mailbox hierarchy does not exist on a single backend server
  `);
  expect(murder.asked).toEqual([
    "be1: GETQUOTA INBOX",
    "be1: GETQUOTAROOT INBOX.sub",
    "be2: SETQUOTA only (STORAGE 5)",
  ]);
});

test("A root whose mailboxes are on two servers is refused, each mailbox's quota is answered by its own server (S85, S87)", async () => {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea", be1),
    entry("user.ann.here", "ann lrswipkxtea", be1),
    entry("user.ann.moved", "ann lrswipkxtea", be2),
  );
  const murder = new FakeMurder(list);
  murder.answers.set("GETQUOTAROOT INBOX", { untagged: ["QUOTAROOT INBOX INBOX", "QUOTA INBOX (STORAGE 1 2)"] });
  murder.answers.set("GETQUOTAROOT INBOX.moved", { untagged: ["QUOTAROOT INBOX.moved"] });
  const server = testServer({ list, router: murder });
  const ann = loggedIn(server, "ann");
  await ann.play(`
    C: a1 GETQUOTA INBOX
    S: a1 NO [CANNOT] This mailbox hierarchy does not exist on a single backend server
    C: a2 GETQUOTAROOT INBOX
    S: * QUOTAROOT INBOX INBOX
    S: * QUOTA INBOX (STORAGE 1 2)
    S: a2 OK Completed
    C: a3 GETQUOTAROOT INBOX.moved
    S: * QUOTAROOT INBOX.moved
    S: a3 OK Completed
  `);
  murder.down.add("be2"); // not needed to know that it has a part
  await ann.play(`
    C: a1 GETQUOTA INBOX
    S: a1 NO [CANNOT] This mailbox hierarchy does not exist on a single backend server
    C: a2 GETQUOTAROOT INBOX.moved
    S: a2 NO [UNAVAILABLE] Server(s) unavailable to complete operation
    C: a3 GETQUOTAROOT INBOX
    S: * QUOTAROOT INBOX INBOX
    S: * QUOTA INBOX (STORAGE 1 2)
    S: a3 OK Completed
  `);
  await list.change([{ put: entry("user.ann.moved", "ann lrswipkxtea", be1) }]); // and back
  murder.answers.set("GETQUOTA INBOX", { untagged: ["QUOTA INBOX (STORAGE 2 2)"] });
  await ann.play(`
    C: a1 GETQUOTA INBOX
    S: * QUOTA INBOX (STORAGE 2 2)
    S: a1 OK Completed
  `);
});

test("The quota of a server that is away is not known, and says so", async () => {
  const list = await listOf(entry("user.ann", "ann lrswipkxtea", be1));
  const murder = new FakeMurder(list);
  murder.down.add("be1");
  const server = testServer({ list, router: murder });
  await loggedIn(server, "ann").play(`
    C: a1 GETQUOTA INBOX
    S: a1 NO [UNAVAILABLE] Server(s) unavailable to complete operation
    C: a2 GETQUOTAROOT INBOX
    S: a2 NO [UNAVAILABLE] Server(s) unavailable to complete operation
  `);
  expect(await loggedIn(server, "cyrus", administrator).command("SETQUOTA user.ann (STORAGE 1)")).toEqual([
    "NO [UNAVAILABLE] Server(s) unavailable to complete operation",
  ]);
  await list.setComplete(false);
  expect(await loggedIn(server, "ann").command("GETQUOTA INBOX")).toEqual([
    "NO [UNAVAILABLE] The mailbox list is not complete yet",
  ]);
});

test("SETQUOTA looks at the list as the master has it: a child may have been made elsewhere a moment ago (S87)", async () => {
  const list = await listOf(entry("user.ann", "ann lrswipkxtea", be1));
  const murder = new FakeMurder(list);
  murder.onSettle = () => list.change([{ put: entry("user.ann.new", "ann lr", be2) }]);
  const admin = loggedIn(testServer({ list, router: murder }), "cyrus", administrator);
  expect(await admin.command("SETQUOTA user.ann (STORAGE 1)")).toEqual([
    "NO [CANNOT] This mailbox hierarchy does not exist on a single backend server",
  ]);
  expect(murder.asked).toEqual([]);
});

test("A unified server refuses a root of which another server has a part, and counts for a new one what it has (S87)", async () => {
  const list = await listOf(
    entry("user.ann", "ann lr"),
    entry("user.bob", "bob lr"),
    entry("user.bob.far", "bob lr", be2),
  );
  const router = new MurderRouter({
    ...{ list, ownServer: "mail.test", keepsMailboxes: true, hasVirtualDomains: false },
    catchUp: async () => true,
    openLinks: () => {
      throw new Error("nobody else is asked");
    },
  });
  const server = await mailServer([], { list, router, config: { mupdate_config: "unified" } });
  await server.local.store.create(list.find(name("user.ann"))!.uniqueId, "default", 1);
  await fill(server, "user.ann", 3);
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 SETQUOTA user.ann (MESSAGE 9)
    S: * QUOTA user.ann (MESSAGE 3 9)
    S: a1 OK Completed
    C: a2 SETQUOTA user.bob (MESSAGE 9)
    S: a2 NO [CANNOT] This mailbox hierarchy does not exist on a single backend server
  `);
});
