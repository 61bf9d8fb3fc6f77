import { expect, test } from "bun:test";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, loggedIn } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

const all = "lrswipkxtea";

async function world(): Promise<MailWorld> {
  const made = await MailWorld.of([
    entry("user.ann", `ann ${all}`),
    entry("shared", `ann ${all} bob lrs carol l dave lrw`),
    entry("hidden", `bob ${all}`),
  ]);
  await made.deliver("shared", [mail("one"), mail("two")], SystemFlags.seen);
  await made.deliver("shared", [mail("three")]);
  return made;
}

test("SELECT tells everything RFC 3501 asks for (R14)", async () => {
  await loggedIn((await world()).server, "ann").play(`
    C: a1 SELECT shared
    S: * 3 EXISTS
    S: * 3 RECENT
    S: * FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen \\*)] Ok
    S: * OK [UNSEEN 3] Ok
    S: * OK [UIDVALIDITY 1] Ok
    S: * OK [UIDNEXT 4] Ok
    S: * OK [HIGHESTMODSEQ 3] Ok
    S: a1 OK [READ-WRITE] Completed
  `);
});

test("EXAMINE is read-only and leaves \\Recent to the next SELECT (R15)", async () => {
  const { server } = await world();
  const client = loggedIn(server, "ann");
  await client.play(`
    C: a1 EXAMINE shared
    S: * 3 EXISTS
    S: * 3 RECENT
    S: * FLAGS …
    S: * OK [PERMANENTFLAGS ()] Ok
    S: * OK [UNSEEN 3] Ok
    S: * OK [UIDVALIDITY 1] Ok
    S: * OK [UIDNEXT 4] Ok
    S: * OK [HIGHESTMODSEQ 3] Ok
    S: a1 OK [READ-ONLY] Completed
    C: a2 STORE 1 +FLAGS (\\Deleted)
    S: a2 NO Mailbox is read-only
    C: a3 EXPUNGE
    S: a3 NO Mailbox is read-only
  `);
  expect((await client.command("SELECT shared"))[2]).toBe("* 3 RECENT");
  expect((await loggedIn(server, "ann").command("SELECT shared"))[1]).toBe("* 0 RECENT");
});

test("PERMANENTFLAGS and READ-ONLY follow the rights (R112)", async () => {
  const { server } = await world();
  expect(await loggedIn(server, "bob").command("SELECT shared")).toContain("* OK [PERMANENTFLAGS (\\Seen)] Ok");
  expect(await loggedIn(server, "dave").command("SELECT shared")).toContain(
    "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\*)] Ok",
  );
});

test("SELECT without the r right says so, and hides what may not even be looked up (R110, R111)", async () => {
  const { server } = await world();
  await loggedIn(server, "carol").play(`
    C: a1 SELECT shared
    S: a1 NO [NOPERM] Permission denied
    C: a2 SELECT hidden
    S: a2 NO [NONEXISTENT] Mailbox does not exist
    C: a3 SELECT nosuch
    S: a3 NO [NONEXISTENT] Mailbox does not exist
  `);
});

test("a SELECT that fails leaves nothing selected (R14)", async () => {
  const client = loggedIn((await world()).server, "ann");
  await client.command("SELECT shared");
  await client.play(`
    C: a1 SELECT nosuch
    S: * OK [CLOSED] Mailbox is closed
    S: a1 NO [NONEXISTENT] Mailbox does not exist
    C: a2 FETCH 1 FLAGS
    S: a2 BAD Please select a mailbox first
  `);
});

test("CLOSE expunges without a word, UNSELECT and CLOSE after EXAMINE do not (R26)", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  await made.flag("shared", [2], SystemFlags.deleted);
  await client.command("EXAMINE shared");
  expect(await client.command("CLOSE")).toEqual(["OK Completed"]);
  await client.command("SELECT shared");
  expect(await client.command("UNSELECT")).toEqual(["OK Completed"]);
  expect((await client.command("SELECT shared"))[0]).toBe("* 3 EXISTS");
  expect(await client.command("CLOSE")).toEqual(["OK Completed"]);
  expect(await client.command("CHECK")).toEqual(["BAD Please select a mailbox first"]);
  expect((await client.command("SELECT shared"))[0]).toBe("* 2 EXISTS");
});

test("CLOSE without the e right expunges nothing (R110)", async () => {
  const made = await world();
  await made.flag("shared", [2], SystemFlags.deleted);
  const client = loggedIn(made.server, "dave");
  await client.command("SELECT shared");
  expect(await client.command("EXPUNGE")).toEqual(["NO [NOPERM] Permission denied"]);
  await client.command("CLOSE");
  expect((await client.command("SELECT shared"))[0]).toBe("* 3 EXISTS");
});

test("NOOP tells what other sessions did: EXPUNGE, EXISTS, RECENT, FETCH (R36)", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  await client.command("SELECT shared");
  await made.expunge("shared", [1, 3]);
  await made.deliver("shared", [mail("four")], 0, ["$Label"]);
  await made.flag("shared", [2], SystemFlags.flagged);
  await client.play(`
    C: a1 NOOP
    S: * 1 EXPUNGE
    S: * 2 EXPUNGE
    S: * 2 EXISTS
    S: * 2 RECENT
    S: * FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen $Label)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen $Label \\*)] Ok
    S: * 1 FETCH (FLAGS (\\Recent \\Flagged \\Seen) UID 2)
    S: a1 OK Completed
    C: a2 NOOP
    S: a2 OK Completed
  `);
});

test("FETCH by number holds EXPUNGE back and keeps the numbers (R7)", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  await client.command("SELECT shared");
  await made.expunge("shared", [1]);
  await made.deliver("shared", [mail("four")]);
  await client.play(`
    C: a1 FETCH 2 UID
    S: * 2 FETCH (UID 2)
    S: * 4 EXISTS
    S: * 4 RECENT
    S: a1 OK Completed
    C: a2 FETCH 1:2 UID
    S: * 2 FETCH (UID 2)
    S: a2 OK [EXPUNGEISSUED] Some of the messages no longer exist
    C: a3 UID FETCH 1:2 (UID)
    S: * 2 FETCH (UID 2)
    S: * 1 EXPUNGE
    S: a3 OK Completed
    C: a4 FETCH 1 UID
    S: * 1 FETCH (UID 2)
    S: a4 OK Completed
  `);
});

test("a mailbox that is deleted under a session is closed and the session lives on", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  await client.command("SELECT shared");
  const { uniqueId, partition } = made.list.find("shared" as never)!;
  await made.store.remove(uniqueId, partition);
  await client.command("NOOP");
  const lines = [...(await client.command("NOOP")), ...(await client.command("FETCH 1 UID"))];
  expect(lines.at(-1)).toBe("BAD Please select a mailbox first");
});

test("IDLE tells of deliveries at once and ends with DONE only (R25)", async () => {
  const made = await world();
  const client = loggedIn(made.server, "ann");
  await client.command("SELECT shared");
  client.send("i1 IDLE\r\n");
  expect(await client.line()).toBe("+ idling");
  await made.deliver("shared", [mail("four")]);
  expect(await client.line()).toBe("* 4 EXISTS");
  expect(await client.line()).toBe("* 4 RECENT");
  await made.expunge("shared", [1]);
  expect(await client.line()).toBe("* 1 EXPUNGE");
  await client.play(`
    C: DONE
    S: i1 OK Completed
    C: i2 IDLE
    S: + idling
    C: i3 NOOP
    S: i2 BAD Expected "DONE"
    C: i4 IDLE
    S: + idling
    C: done
    S: i4 OK Completed
  `);
});

test("IDLE works with nothing selected", async () => {
  await loggedIn((await world()).server, "ann").play(`
    C: i1 IDLE
    S: + idling
    C: DONE
    S: i1 OK Completed
  `);
});
