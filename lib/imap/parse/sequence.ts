// Sequence sets as arguments, and what they mean in a selected mailbox: message numbers or UIDs (RFC 9051 §9).

import { Bad } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";
import { type NumberRange, SequenceSet } from "../../wire/sequence-set.ts";

const setChars = /[\d*:,]+/y;

export function readSequenceSet(reader: Reader): SequenceSet {
  const text = reader.token(setChars);
  const set = text === undefined ? undefined : SequenceSet.parse(text);
  if (!set) throw new Bad(reader.isAtEnd && text === undefined ? "Missing required argument" : "Invalid sequence set");
  return set;
}

/**
 * Which of a view's messages a set means, as ranges of indexes into it. UIDs that do not exist are passed over (RFC 9051
 * §6.4.9); a message number above the count is the client's error, "*" in an empty mailbox too (RFC 3501 §9, seq-number).
 */
export function resolveInView(set: SequenceSet, view: Uint32Array, isUid: boolean): readonly NumberRange[] {
  if (isUid) return set.indexesIn(view);
  if (set.highest > view.length || (set.hasStar && view.length === 0)) {
    throw new Bad("Message sequence number is higher than the number of messages");
  }
  return set.ranges(view.length).map(({ first, last }) => ({ first: first - 1, last: last - 1 }));
}
