import { expect, test } from "bun:test";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, type ImapClient, loggedIn } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

const everything = "lrswipkxtea";

async function world(): Promise<MailWorld> {
  const made = await MailWorld.of([
    entry("user.ann", `ann ${everything} bob lrs carol lr`),
    entry("user.ann.sub", `ann ${everything} bob lrswi`),
    entry("readonly", `ann lr`),
  ]);
  await made.deliver("user.ann", [mail("one"), mail("two"), mail("three"), mail("four")]);
  return made;
}

async function opened(made: MailWorld, user = "ann"): Promise<ImapClient> {
  const claimer = loggedIn(made.server, "ann");
  await claimer.command("SELECT INBOX"); // so that nothing is \Recent below
  const client = loggedIn(made.server, user);
  await client.command(user === "ann" ? "SELECT INBOX" : "SELECT user.ann");
  return client;
}

test("STORE adds, removes and replaces flags and tells the result (R32)", async () => {
  await (await opened(await world())).play(`
    C: a1 STORE 1:2 +FLAGS (\\Deleted \\Flagged)
    S: * 1 FETCH (FLAGS (\\Flagged \\Deleted))
    S: * 2 FETCH (FLAGS (\\Flagged \\Deleted))
    S: a1 OK Completed
    C: a2 STORE 1 -FLAGS \\Flagged \\Seen
    S: * 1 FETCH (FLAGS (\\Deleted))
    S: a2 OK Completed
    C: a3 STORE 1 FLAGS (\\Seen)
    S: * 1 FETCH (FLAGS (\\Seen))
    S: a3 OK Completed
    C: a4 STORE 2 FLAGS.SILENT ()
    S: a4 OK Completed
    C: a5 FETCH 2 FLAGS
    S: * 2 FETCH (FLAGS ())
    S: a5 OK Completed
    C: a6 UID STORE 4 +FLAGS ($Label)
    S: * FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen $Label)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen $Label \\*)] Ok
    S: * 4 FETCH (FLAGS ($Label) UID 4)
    S: a6 OK Completed
    C: a7 UID STORE 99 +FLAGS (\\Seen)
    S: a7 OK Completed
    C: a8 NOOP
    S: a8 OK Completed
  `);
});

test("\\Recent and unknown system flags cannot be stored (R32)", async () => {
  await (await opened(await world())).play(`
    C: a1 STORE 1 +FLAGS (\\Recent)
    S: a1 BAD Invalid system flag "\\Recent"
    C: a2 STORE 1 +FLAGS (\\Nonsense)
    S: a2 BAD Invalid system flag "\\Nonsense"
    C: a3 STORE 1 +FLAGS (a]b)
    S: a3 BAD …
    C: a4 STORE 9 +FLAGS (\\Seen)
    S: a4 BAD …
  `);
});

test("STORE does what the rights allow, tells what came of it, and is NO when nothing is allowed (R112)", async () => {
  const made = await world();
  await (await opened(made, "bob")).play(`
    C: a1 STORE 1 +FLAGS.SILENT (\\Seen \\Deleted $Label)
    S: * 1 FETCH (FLAGS (\\Seen))
    S: a1 OK Completed
    C: a2 STORE 1 +FLAGS (\\Deleted $Label)
    S: a2 NO [NOPERM] Permission denied
  `);
  expect(await (await opened(made, "carol")).command("STORE 1 FLAGS ()")).toEqual(["NO Mailbox is read-only"]);
});

test("\\Seen is each user's own", async () => {
  const made = await world();
  const bob = await opened(made, "bob");
  await bob.command("STORE 1 +FLAGS (\\Seen)");
  const ann = await opened(made);
  expect(await ann.command("SEARCH SEEN")).toEqual(["* SEARCH", "OK Completed"]);
  expect(await bob.command("SEARCH SEEN")).toEqual(["* SEARCH 1", "OK Completed"]);
});

test("EXPUNGE removes what is \\Deleted and renumbers at once; UID EXPUNGE only of the set (R27)", async () => {
  const made = await world();
  const client = await opened(made);
  await made.quota.setLimits("user.ann" as never, { STORAGE: 100 }, { bytes: 5000, messages: 4 });
  await made.flag("user.ann", [1, 2, 4], SystemFlags.deleted);
  await client.command("NOOP");
  await client.play(`
    C: a1 UID EXPUNGE 2:3,9
    S: * 2 EXPUNGE
    S: a1 OK Completed
    C: a2 EXPUNGE
    S: * 1 EXPUNGE
    S: * 2 EXPUNGE
    S: a2 OK Completed
    C: a3 FETCH 1 UID
    S: * 1 FETCH (UID 3)
    S: a3 OK Completed
  `);
  expect(made.quota.find("user.ann" as never)?.messages).toBe(1);
});

test("COPY keeps flags and INTERNALDATE and tells the UIDs (R33)", async () => {
  const made = await world();
  await made.flag("user.ann", [2], SystemFlags.flagged);
  const client = await opened(made);
  await client.play(`
    C: a1 COPY 2:3 INBOX.sub
    S: a1 OK [COPYUID 1 2:3 1:2] Completed
    C: a2 UID COPY 1,4,99 INBOX.sub
    S: a2 OK [COPYUID 1 1,4 3:4] Completed
    C: a3 UID COPY 99 INBOX.sub
    S: a3 OK Completed
    C: a4 COPY 1 INBOX.nosuch
    S: a4 NO [TRYCREATE] Mailbox does not exist
    C: a5 COPY 1 nosuch
    S: a5 NO [NONEXISTENT] Mailbox does not exist
    C: a6 COPY 1 readonly
    S: a6 NO [NOPERM] Permission denied
    C: a7 COPY 9 INBOX.sub
    S: a7 BAD …
  `);
  await client.command("SELECT INBOX.sub");
  expect(await client.command("FETCH 1 (FLAGS INTERNALDATE)")).toEqual([
    '* 1 FETCH (FLAGS (\\Recent \\Flagged) INTERNALDATE "23-Nov-2026 12:00:00 +0000")',
    "OK Completed",
  ]);
});

test("COPY takes off the flags that the target's rights do not allow (RFC 4314 §4)", async () => {
  const made = await world();
  await made.flag("user.ann", [1], SystemFlags.flagged | SystemFlags.deleted);
  const bob = await opened(made, "bob");
  await bob.command("COPY 1 user.ann.sub");
  await bob.command("SELECT user.ann.sub");
  expect((await bob.command("FETCH 1 FLAGS"))[0]).toBe("* 1 FETCH (FLAGS (\\Recent \\Flagged))");
});

test("COPY over quota copies nothing and says [OVERQUOTA]", async () => {
  const made = await world();
  await made.quota.setLimits("user.ann.sub" as never, { MESSAGE: 1 }, { bytes: 0, messages: 0 });
  const client = await opened(made);
  expect(await client.command("COPY 1:2 INBOX.sub")).toEqual(["NO [OVERQUOTA] Over quota"]);
  expect((await client.command("SELECT INBOX.sub"))[1]).toBe("* 0 EXISTS");
});

test("MOVE tells COPYUID, then the EXPUNGEs, then OK (R34)", async () => {
  const client = await opened(await world());
  await client.play(`
    C: a1 MOVE 2:3 INBOX.sub
    S: * OK [COPYUID 1 2:3 1:2] Moved
    S: * 2 EXPUNGE
    S: * 2 EXPUNGE
    S: a1 OK Completed
    C: a2 UID MOVE 4,99 INBOX.sub
    S: * OK [COPYUID 1 4 3] Moved
    S: * 2 EXPUNGE
    S: a2 OK Completed
    C: a3 MOVE 1 INBOX.nosuch
    S: a3 NO [TRYCREATE] Mailbox does not exist
  `);
});

test("MOVE needs the rights to delete in the source", async () => {
  const bob = await opened(await world(), "bob");
  expect(await bob.command("MOVE 1 user.ann.sub")).toEqual(["NO [NOPERM] Permission denied"]);
});
