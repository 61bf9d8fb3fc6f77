import { expect, test } from "bun:test";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
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
