// Special uses of mailboxes (RFC 6154) where a murder and its configuration matter; the rest is in transcripts.

import { expect, test } from "bun:test";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { administrator, entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const acl = "ann lrswipkxtea";
const question = 'LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE)';

async function frontend() {
  const list = await listOf(
    entry("user.ann", acl, { server: "be1" }),
    entry("user.ann.a", acl, { server: "be1" }),
    entry("user.ann.b", acl, { server: "be2" }),
    entry("user.bob", "anyone lr", { server: "be3" }),
  );
  const murder = new FakeMurder(list);
  murder.capabilities.set("be1", ["SPECIAL-USE"]).set("be2", ["SPECIAL-USE"]);
  murder.answers.set(question, { untagged: ['LIST (\\HasNoChildren \\Drafts) "." INBOX.a'] });
  return { murder, client: loggedIn(testServer({ list, router: murder }), "ann") };
}

test("a frontend asks the servers of the user's own mailboxes, and says NO when one cannot tell", async () => {
  const { murder, client } = await frontend();
  await client.play(`
    C: a1 LIST "" INBOX.% RETURN (SPECIAL-USE)
    S: * LIST (\\HasNoChildren \\Drafts) "." INBOX.a
    S: * LIST (\\HasNoChildren) "." INBOX.b
    S: a1 OK Completed
  `);
  expect(murder.asked.sort()).toEqual([`be1: ${question}`, `be2: ${question}`]);
  murder.down.add("be2");
  await client.play(`
    C: a1 LIST "" INBOX.% RETURN (SPECIAL-USE)
    S: a1 NO [UNAVAILABLE] …
    C: a2 LIST "" INBOX.%
    S: * LIST (\\HasNoChildren) "." INBOX.a
    S: * LIST (\\HasNoChildren) "." INBOX.b
    S: a2 OK Completed
  `);
});

test("a server that knows no special uses has none, and gets no mailbox with one", async () => {
  const { murder, client } = await frontend();
  murder.capabilities.clear();
  await client.play(`
    C: a1 LIST (SPECIAL-USE) "" *
    S: a1 OK Completed
    C: a2 CREATE INBOX.new (USE (\\Sent))
    S: a2 NO [USEATTR] The server of this mailbox knows no special uses
  `);
  expect(murder.asked).toEqual([]);
  murder.capabilities.set("be1", ["CREATE-SPECIAL-USE"]);
  expect(await client.command("CREATE INBOX.new (USE (\\Sent))")).toEqual(["OK Completed"]);
  expect(murder.asked).toEqual(["be1: CREATE INBOX.new (USE (\\Sent))"]);
});

test("a mailbox that is the user's no more has no use for him any more", async () => {
  const server = await mailServer(["user.ann", "user.ann.x"]);
  const ann = loggedIn(server, "ann");
  expect(await ann.command('SETMETADATA INBOX.x (/private/specialuse "\\\\Sent")')).toEqual(["OK Completed"]);
  await server.local.operations.rename(administrator, name("user.ann.x"), name("secret"));
  expect(await ann.command('LIST (SPECIAL-USE) "" *')).toEqual(["OK Completed"]);
});

test("the configuration may know more uses; INBOX and other people's mailboxes have none", async () => {
  const list = await listOf(entry("user.ann", acl), entry("user.bob.x", "ann lrswipkxtea"));
  const server = await mailServer([], { list, config: { specialuse_extra: ["\\Templates"] } });
  await loggedIn(server, "ann").play(`
    C: a1 CREATE INBOX.t (USE (\\templates \\Sent \\SENT))
    S: a1 OK Completed
    C: a2 LIST (SPECIAL-USE) "" *
    S: * LIST (\\HasNoChildren \\Templates \\Sent) "." INBOX.t
    S: a2 OK Completed
    C: a3 SETMETADATA INBOX (/private/specialuse "\\\\Sent")
    S: a3 NO [USEATTR] …
    C: a4 SETMETADATA user.bob.x (/private/specialuse "\\\\Sent")
    S: a4 NO [USEATTR] …
    C: a5 SETMETADATA INBOX.t (/shared/specialuse "\\\\Sent")
    S: a5 NO [CANNOT] …
    C: a6 SETMETADATA INBOX.t (/private/specialuse "\\\\Flagged")
    S: a6 NO [USEATTR] …
    C: a7 DELETE INBOX.t
    S: a7 OK Completed
    C: a8 LIST (SPECIAL-USE) "" *
    S: a8 OK Completed
  `);
});
