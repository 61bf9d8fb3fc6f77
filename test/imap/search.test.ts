import { expect, test } from "bun:test";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, type ImapClient, loggedIn } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

/** UIDs 1, 2, 4, 5, 6: message numbers 1 to 5. */
async function selected(): Promise<ImapClient> {
  const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea")]);
  const inbox = "user.ann";
  await world.deliver(inbox, [mail("alpha")], SystemFlags.seen | SystemFlags.answered);
  await world.deliver(inbox, [mail("beta", "x".repeat(5000))], SystemFlags.deleted, ["$Work"]);
  await world.deliver(inbox, [mail("gone")]);
  await world.deliver(inbox, [mail("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=")], SystemFlags.flagged | SystemFlags.draft);
  await world.expunge(inbox, [3]);
  const client = loggedIn(world.server, "ann");
  await client.command("SELECT INBOX");
  await client.command("UNSELECT");
  await world.deliver(inbox, [
    "From: smith@lab\nTo: mary@lab\nCc: cc@lab\nBcc: hidden@lab\nSubject: delta  folded\n here\nDate: Tue, 1 Feb 1994 23:30:00 -0800\nX-Tag: yes\n\nneedle in the body\n",
  ]);
  await world.deliver(inbox, ["Subject: no date\n\nplain\n"], SystemFlags.seen);
  await client.command("SELECT INBOX");
  return client;
}

test.each([
  ["ALL", "1 2 3 4 5"],
  ["2:4", "2 3 4"],
  ["*", "5"],
  ["4:99", "4 5"],
  ["UID 4:5", "3 4"],
  ["ANSWERED", "1"],
  ["UNANSWERED", "2 3 4 5"],
  ["DELETED", "2"],
  ["UNDELETED 1:2", "1"],
  ["DRAFT", "3"],
  ["UNDRAFT", "1 2 4 5"],
  ["FLAGGED", "3"],
  ["UNFLAGGED", "1 2 4 5"],
  ["SEEN", "1 5"],
  ["UNSEEN", "2 3 4"],
  ["KEYWORD $work", "2"],
  ["UNKEYWORD $Work", "1 3 4 5"],
  ["RECENT", "4 5"],
  ["NEW", "4"],
  ["OLD", "1 2 3"],
  ["LARGER 4000", "2"],
  ["SMALLER 30", "5"],
  ["ON 23-Nov-2026", "1 2 3 4 5"],
  ["BEFORE 23-Nov-2026", ""],
  ["SINCE 24-Nov-2026", ""],
  ['SENTON "1-Feb-1994"', "4"],
  ["SENTBEFORE 2-Feb-1994", "4"],
  ["SENTSINCE 1-Jan-2026", "1 2 3"],
  ["FROM smith", "4"],
  ["TO MARY", "4"],
  ["CC cc@", "4"],
  ["BCC hidden", "4"],
  ['SUBJECT "delta folded here"', "4"],
  ["HEADER X-Tag yes", "4"],
  ['HEADER X-Tag ""', "4"],
  ["HEADER Message-ID alpha", "1"],
  ["BODY needle", "4"],
  ["BODY smith", ""],
  ["TEXT smith", "4"],
  ["NOT SEEN", "2 3 4"],
  ["OR ANSWERED FLAGGED", "1 3"],
  ["OR (SEEN ANSWERED) NOT 1:4", "1 5"],
  ["(FLAGGED DRAFT)", "3"],
  ["NOT (OR SEEN (FLAGGED DRAFT)) SMALLER 1000", "4"],
  ["CHARSET UTF-8 SUBJECT {6+}\r\ngr\u00c3\u00bc\u00c3\u009f", "3"],
  ["CHARSET iso-8859-1 SUBJECT {3+}\r\ngr\u00fc", "3"],
  ["CHARSET US-ASCII TEXT alpha", "1"],
])("SEARCH %s finds %s (R28)", async (keys, numbers) => {
  const client = await selected();
  const answer = await client.command(`SEARCH ${keys}`);
  expect(answer).toEqual([`* SEARCH${numbers === "" ? "" : ` ${numbers}`}`, "OK Completed"]);
});

test("UID SEARCH answers with UIDs (R35)", async () => {
  const client = await selected();
  expect(await client.command("UID SEARCH UNSEEN")).toEqual(["* SEARCH 2 4 5", "OK Completed"]);
});

test("a character set nobody knows is NO [BADCHARSET], and so told (R28)", async () => {
  const client = await selected();
  expect(await client.command("SEARCH CHARSET KLINGON SUBJECT x")).toEqual([
    'NO [BADCHARSET (US-ASCII UTF-8)] Unknown character set "KLINGON"',
  ]);
});

test.each([
  "SEARCH",
  "SEARCH NONSENSE",
  "SEARCH OR SEEN",
  "SEARCH NOT",
  "SEARCH (SEEN",
  "SEARCH ()",
  "SEARCH ON 32-Jan-2026",
  "SEARCH KEYWORD \\Seen",
  "SEARCH SEEN ",
  `SEARCH ${"NOT ".repeat(200)}SEEN`,
  "SEARCH __proto__",
])("%s is BAD", async (command) => {
  const client = await selected();
  expect((await client.command(command)).at(-1)).toStartWith("BAD ");
});
