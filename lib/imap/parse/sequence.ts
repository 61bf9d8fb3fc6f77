// Sequence sets as arguments, and what they mean in a selected mailbox: message numbers, UIDs (RFC 9051 §9), or what the
// last SEARCH saved (RFC 5182).

import { Bad } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";
import { type NumberRange, SequenceSet } from "../../wire/sequence-set.ts";
import { insertedAt } from "../view.ts";

const setChars = /[\d*:,]+/y;

/** "$" is one as well. */
export function readSequenceSet(reader: Reader): SequenceSet {
  return reader.skip("$") ? SequenceSet.saved : readNumberSet(reader);
}

/** A set that spells its numbers out. */
export function readNumberSet(reader: Reader): SequenceSet {
  const text = reader.token(setChars);
  const set = text === undefined ? undefined : SequenceSet.parse(text);
  if (!set) throw new Bad(reader.isAtEnd && text === undefined ? "Missing required argument" : "Invalid sequence set");
  return set;
}

/** What sets are resolved in: a selected mailbox as its client knows it. */
export interface SequenceView {
  /** Ascending; the message number of the first is 1. */
  readonly uids: Uint32Array;
  /** UIDs that "$" stands for, ascending; some may be gone from the mailbox. */
  readonly saved: Uint32Array;
}

/**
 * Which of a view's messages a set means, as ranges of indexes into it. UIDs that do not exist are passed over (RFC 9051
 * §6.4.9); a message number above the count is the client's error, "*" in an empty mailbox too (RFC 3501 §9, seq-number).
 */
export function resolveInView(set: SequenceSet, { uids, saved }: SequenceView, isUid: boolean): readonly NumberRange[] {
  if (set.isSaved) return indexRanges(uids, saved);
  if (isUid) return set.indexesIn(uids);
  if (set.highest > uids.length || (set.hasStar && uids.length === 0)) {
    throw new Bad("Message sequence number is higher than the number of messages");
  }
  return set.ranges(uids.length).map(({ first, last }) => ({ first: first - 1, last: last - 1 }));
}

/** Where `wanted` (ascending) are in the view; those that are not are passed over. */
export function indexRanges(view: Uint32Array, wanted: Uint32Array): readonly NumberRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const uid of wanted) {
    const index = insertedAt(view, uid);
    if (view[index] !== uid) continue;
    const open = ranges.at(-1);
    if (open?.last === index - 1) open.last = index;
    else ranges.push({ first: index, last: index });
  }
  return ranges;
}
