import { expect, test } from "bun:test";
import { FakeMurder } from "../support/fake-murder.ts";
import { administrator, entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

test("SETACL replaces, adds and removes rights, DELETEACL takes them away, GETACL shows them (R107, R108)", async () => {
  const server = await mailServer(["user.ann"]);
  await loggedIn(server, "ann").play(`
    C: a1 GETACL INBOX
    S: * ACL INBOX ann lrswipkxtecdan
    S: a1 OK Completed
    C: a2 SETACL INBOX bob lrs
    S: a2 OK Completed
    C: a3 SETACL INBOX bob +wi
    S: a3 OK Completed
    C: a4 SETACL INBOX bob -s
    S: a4 OK Completed
    C: a5 SETACL INBOX "group:the staff" d
    S: a5 OK Completed
    C: a6 SETACL INBOX -carl l
    S: a6 OK Completed
    C: a7 GETACL INBOX
    S: * ACL INBOX ann lrswipkxtecdan bob lrwi "group:the staff" ted -carl l
    S: a7 OK Completed
    C: a8 DELETEACL INBOX bob
    S: a8 OK Completed
    C: a9 DELETEACL INBOX nobody
    S: a9 OK Completed
    C: b1 SETACL INBOX bob zq
    S: b1 BAD The z right is not supported
    C: b2 SETACL INBOX bob
    S: b2 BAD Missing required argument
    C: b3 GETACL nosuch
    S: b3 NO [NONEXISTENT] Mailbox does not exist
  `);
});

test("The ACL commands need a, and hide what the user may not see (R110, R111)", async () => {
  const list = await listOf(
    entry("seen", "anyone lr"),
    entry("read", "anyone r"),
    entry("posted", "anyone p"),
    entry("mine", "ann i"),
  );
  await loggedIn(testServer({ list }), "ann").play(`
    C: a1 GETACL seen
    S: a1 NO [NOPERM] Permission denied
    C: a2 LISTRIGHTS seen bob
    S: a2 NO [NOPERM] Permission denied
    C: a3 GETACL posted
    S: a3 NO [NONEXISTENT] Mailbox does not exist
    C: a4 MYRIGHTS seen
    S: * MYRIGHTS seen lr
    S: a4 OK Completed
    C: a5 MYRIGHTS posted
    S: a5 NO [NONEXISTENT] Mailbox does not exist
    C: a6 MYRIGHTS mine
    S: * MYRIGHTS mine i
    S: a6 OK Completed
    C: a7 MYRIGHTS nosuch
    S: a7 NO [NONEXISTENT] Mailbox does not exist
  `);
});

test("LISTRIGHTS gives what an owner always has as one group, then every right once (R113)", async () => {
  const list = await listOf(entry("user.ann", "ann lrswipkxtea"), entry("user.bob", "bob lrswipkxtea"));
  const server = testServer({ list });
  await loggedIn(server, "ann").play(`
    C: a1 LISTRIGHTS INBOX ann
    S: * LISTRIGHTS INBOX ann lkxcan r s w i p t e d 0 1 2 3 4 5 6 7 8 9
    S: a1 OK Completed
    C: a2 LISTRIGHTS INBOX bob
    S: * LISTRIGHTS INBOX bob "" l r s w i p k x t e c d a n 0 1 2 3 4 5 6 7 8 9
    S: a2 OK Completed
  `);
  await loggedIn(testServer({ list, config: { anyoneuseracl: false } }), "ann").play(`
    C: a1 LISTRIGHTS INBOX anyone
    S: * LISTRIGHTS INBOX anyone ""
    S: a1 OK Completed
  `);
});

test("Administrators see rights l and a everywhere and may use them", async () => {
  const server = await mailServer(["user.ann"]);
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 MYRIGHTS user.ann
    S: * MYRIGHTS user.ann la
    S: a1 OK Completed
    C: a2 SETACL user.ann bob lr
    S: a2 OK Completed
    C: a3 GETACL user.ann
    S: * ACL user.ann ann lrswipkxtecdan bob lr
    S: a3 OK Completed
  `);
});

test("A frontend answers GETACL, LISTRIGHTS and MYRIGHTS from its list, asking the master about unknown names (S15)", async () => {
  const list = await listOf(entry("user.ann", "ann lrswipkxtea", { server: "be1" }));
  const murder = new FakeMurder(list);
  murder.down.add("be1");
  murder.onSettle = () => list.change([{ put: entry("fresh", "anyone lr", { server: "be2" }) }]);
  await loggedIn(testServer({ list, router: murder }), "ann").play(`
    C: a1 GETACL INBOX
    S: * ACL INBOX ann lrswipkxtecda
    S: a1 OK Completed
    C: a2 MYRIGHTS fresh
    S: * MYRIGHTS fresh lr
    S: a2 OK Completed
  `);
  expect(murder.asked).toEqual([]);
});
