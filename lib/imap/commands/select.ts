// SELECT (RFC 3501 §6.3.1, RFC 7162 §3.2.5). EXAMINE is the same without leave to change anything: examine.ts.

import { hasRight, Right, type Rights } from "../../mailbox/acl.ts";
import type { NumberRange, SequenceSet } from "../../wire/sequence-set.ts";
import { findHere, localMail, requireRights } from "../access.ts";
import { fetchMessages } from "../fetch/fetch-messages.ts";
import { changedRanges, sendVanished, uidRanges } from "../fetch/resync.ts";
import { LocalSelection } from "../local-selection.ts";
import { changedItems } from "../parse/fetch.ts";
import { type Resync, type SelectArgs, selectArgs } from "../parse/select.ts";
import { selectPlan } from "../plans/select.ts";
import { type Ok, planned, row } from "../row.ts";
import type { Session } from "../session.ts";

export const selectRow = row<SelectArgs>({
  state: "authenticated",
  leavesMailbox: true,
  args: selectArgs,
  at: planned(selectPlan),
  run: (session, args) => selectHere(session, args, false),
});

/** Opens a mailbox of this server and tells what is in it; `isExamined` leaves it as it is. */
export async function selectHere(
  session: Session,
  { mailbox: external, resync }: SelectArgs,
  isExamined: boolean,
): Promise<Ok> {
  const entry = findHere(session, external);
  const rights = requireRights(session, entry, Right.read);
  const mailbox = await localMail(session).store.open(entry.uniqueId, entry.partition);
  let selection: LocalSelection;
  try {
    selection = new LocalSelection(session, entry, mailbox, isExamined || !mayChange(rights), isExamined);
    describe(session, selection);
    if (resync) await resynchronize(session, selection, resync);
  } catch (fault) {
    mailbox.release();
    throw fault;
  }
  session.selection = { kind: "here", local: selection };
  return { code: selection.isReadOnly ? "READ-ONLY" : "READ-WRITE" };
}

/** RFC 4314 §5.2: read-only is what the user has no right to change in any way. */
function mayChange(rights: Rights): boolean {
  return [Right.insert, Right.expunge, Right.seen, Right.deleteMessage, Right.write].some((right) =>
    hasRight(rights, right),
  );
}

function describe(session: Session, selection: LocalSelection): void {
  const { mailbox, uids } = selection;
  const { uidValidity, uidNext } = mailbox.totals();
  const { firstUid } = mailbox.unseen(session.user.user);
  const unseenIndex = firstUid === undefined ? -1 : selection.indexOf(firstUid);
  session.send(
    `* ${uids.length} EXISTS\r\n* ${selection.recentCount} RECENT\r\n${selection.describeFlags(session)}` +
      (unseenIndex < 0 ? "" : `* OK [UNSEEN ${unseenIndex + 1}] Ok\r\n`) +
      `* OK [UIDVALIDITY ${uidValidity}] Ok\r\n* OK [UIDNEXT ${uidNext}] Ok\r\n` +
      `* OK [HIGHESTMODSEQ ${selection.modSeq}] Ok\r\n`,
  );
}

/** Tells what changed since the client left (RFC 7162 §3.2.5): nothing when it was another mailbox of that name. */
async function resynchronize(session: Session, selection: LocalSelection, resync: Resync): Promise<void> {
  const { uidValidity, uidNext } = selection.mailbox.totals();
  if (resync.uidValidity !== uidValidity || uidNext === 1) return;
  const { modSeq, known } = resync;
  const asked = known ? uidRanges(known, selection) : [{ first: 1, last: uidNext - 1 }];
  await sendVanished(session, selection, modSeq, asked, matchedUid(selection.uids, resync));
  const changed = changedRanges(session, selection, modSeq, known?.indexesIn(selection.uids) ?? whole(selection.uids));
  await fetchMessages(session, selection, changed, changedItems, true);
}

function whole({ length }: Uint32Array): readonly NumberRange[] {
  return length === 0 ? [] : [{ first: 0, last: length - 1 }];
}

/** The highest UID that still has the number which the client knows: nothing below it is gone (§3.2.5.2). */
function matchedUid(view: Uint32Array, { match }: Resync): number {
  if (!match) return 0;
  const uids = numbersIn(match.uids);
  let highest = 0;
  for (const number of numbersIn(match.numbers)) {
    const uid = uids.next().value;
    if (number > view.length) break;
    if (uid !== undefined && view[number - 1] === uid) highest = uid;
  }
  return highest;
}

function* numbersIn(set: SequenceSet): Generator<number, undefined> {
  for (const { first, last } of set.ranges(0)) for (let number = first; number <= last; number++) yield number;
}
