import { expect, test } from "bun:test";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { deliver } from "../mailbox/store-fixtures.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

test("STATUS tells the numbers asked for, in their order, and leaves the messages recent (R23, R119)", async () => {
  const server = await mailServer(["user.ann", "user.ann.my box"]);
  const { uniqueId, partition, uidValidity } = server.list.find(name("user.ann.my box"))!;
  const mailbox = await server.local.store.open(uniqueId, partition);
  await deliver(server.local.store, mailbox, ["one", "two"], { system: SystemFlags.seen, keywords: [] });
  await deliver(server.local.store, mailbox, ["three"], { system: SystemFlags.deleted, keywords: [] });
  const size = [...mailbox.records([mailbox.totals().uidNext - 1] as never, "ann")][0]!.size;
  const client = loggedIn(server, "ann");
  for (const _ of [1, 2]) {
    await client.play(`
      C: a1 STATUS "INBOX.my box" (UNSEEN MESSAGES recent UIDNEXT UIDVALIDITY)
      S: * STATUS "INBOX.my box" (UNSEEN 1 MESSAGES 3 RECENT 3 UIDNEXT 4 UIDVALIDITY ${uidValidity})
      S: a1 OK Completed
    `);
  }
  await client.play(`
    C: a1 STATUS "INBOX.my box" (DELETED DELETED-STORAGE)
    S: * STATUS "INBOX.my box" (DELETED 1 DELETED-STORAGE ${size})
    S: a1 OK Completed
    C: a2 STATUS INBOX (DELETED-STORAGE RECENT)
    S: * STATUS INBOX (DELETED-STORAGE 0 RECENT 0)
    S: a2 OK Completed
  `);
  mailbox.release();
});

test("STATUS refuses unknown attributes, and mailboxes the user may not read (R110, R111)", async () => {
  const list = await listOf(entry("looked", "anyone l"), entry("hidden", "bob lr"));
  const server = { ...(await mailServer([], { list })) };
  await loggedIn(server, "ann").play(`
    C: a1 STATUS INBOX (COLOUR)
    S: a1 BAD Unknown STATUS attribute "COLOUR"
    C: a2 STATUS INBOX ()
    S: a2 BAD Missing STATUS attributes
    C: a3 STATUS INBOX MESSAGES
    S: a3 BAD …
    C: a4 STATUS looked (MESSAGES)
    S: a4 NO [NOPERM] Permission denied
    C: a5 STATUS hidden (MESSAGES)
    S: a5 NO [NONEXISTENT] Mailbox does not exist
    C: a6 STATUS nosuch (MESSAGES)
    S: a6 NO [NONEXISTENT] Mailbox does not exist
  `);
});

test("STATUS of a mailbox elsewhere is answered there (S84)", async () => {
  const list = await listOf(entry("shared", "anyone lr", { server: "be2" }));
  const murder = new FakeMurder(list);
  murder.answers.set("STATUS shared (MESSAGES)", { untagged: ["STATUS shared (MESSAGES 7)"] });
  await loggedIn(testServer({ list, router: murder }), "ann").play(`
    C: a1 STATUS shared (MESSAGES)
    S: * STATUS shared (MESSAGES 7)
    S: a1 OK Completed
  `);
  expect(murder.asked).toEqual(["be2: STATUS shared (MESSAGES)"]);
});
