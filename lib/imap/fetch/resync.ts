// What happened in a mailbox since a MODSEQ (RFC 7162 §3.2.5, §3.2.6): the messages whose flags changed, and the UIDs of
// those that are gone. Where more was expunged than the mailbox remembers, all UIDs that are not there are told: never less
// than there is to tell.

import type { ModSeq, Uid } from "../../mailbox/store.ts";
import type { NumberRange, SequenceSet } from "../../wire/sequence-set.ts";
import type { LocalSelection } from "../local-selection.ts";
import { indexRanges } from "../parse/sequence.ts";
import type { Session } from "../session.ts";

/** Stretches of UIDs on one line. */
const rangesPerLine = 500;

/** Which of the messages at `ranges` of the view have a higher MODSEQ. */
export function changedRanges(
  session: Session,
  selection: LocalSelection,
  since: ModSeq,
  ranges: readonly NumberRange[],
): readonly NumberRange[] {
  const { arrived, flagged } = selection.mailbox.changesSince(since, session.user.user);
  const changed = Uint32Array.from([...flagged, ...arrived]).sort();
  return common(indexRanges(selection.uids, changed), ranges);
}

/** The UIDs that a set of UIDs names, whether there are such messages or not. */
export function uidRanges(set: SequenceSet, selection: LocalSelection): readonly NumberRange[] {
  if (set.isSaved) return Array.from(selection.saved, (uid) => ({ first: uid, last: uid }));
  return set.ranges(Math.max(selection.mailbox.totals().uidNext - 1, 0));
}

/** Tells those of `asked`, ranges of UIDs, that are gone since, above `known`: up to there the client knows (§3.2.5.2). */
export async function sendVanished(
  session: Session,
  selection: LocalSelection,
  since: ModSeq,
  asked: readonly NumberRange[],
  known = 0,
): Promise<void> {
  const { mailbox, uids } = selection;
  const last = mailbox.totals().uidNext - 1;
  if (known >= last) return;
  const gone = mailbox.vanishedSince(since);
  // What is still in the view has to be told as VANISHED without EARLIER, later (§3.2.10.2).
  const vanished = gone ? rangesOf(gone.filter((uid) => selection.indexOf(uid) < 0)) : gapsIn(uids, last);
  const told = common(common(vanished, asked), [{ first: known + 1, last }]);
  for (let start = 0; start < told.length; start += rangesPerLine) {
    const text = told
      .slice(start, start + rangesPerLine)
      .map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`))
      .join(",");
    if (!session.send(`* VANISHED (EARLIER) ${text}\r\n`)) await session.drained();
  }
}

function rangesOf(ascending: readonly Uid[]): readonly NumberRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const uid of ascending) {
    const open = ranges.at(-1);
    if (open?.last === uid - 1) open.last = uid;
    else ranges.push({ first: uid, last: uid });
  }
  return ranges;
}

/** The numbers from 1 to `last` that are not in the view. */
function gapsIn(view: Uint32Array, last: number): readonly NumberRange[] {
  const gaps: NumberRange[] = [];
  let next = 1;
  for (const uid of view) {
    if (uid > next) gaps.push({ first: next, last: uid - 1 });
    next = uid + 1;
  }
  if (next <= last) gaps.push({ first: next, last });
  return gaps;
}

/** What two lists of ranges, each ascending and apart, have in common. */
export function common(some: readonly NumberRange[], others: readonly NumberRange[]): readonly NumberRange[] {
  const shared: NumberRange[] = [];
  for (let at = 0, other = 0; at < some.length && other < others.length; ) {
    const [a, b] = [some[at]!, others[other]!];
    const first = Math.max(a.first, b.first);
    const last = Math.min(a.last, b.last);
    if (first <= last) shared.push({ first, last });
    if (a.last < b.last) at += 1;
    else other += 1;
  }
  return shared;
}
