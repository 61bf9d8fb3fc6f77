// PARTIAL of UID FETCH (RFC 9394 §3.2): some of the messages that a set means.

import type { NumberRange } from "../../wire/sequence-set.ts";
import type { PartialRange } from "../parse/search-return.ts";
import { stretchOf } from "../search/answer.ts";

export function partialRanges(ranges: readonly NumberRange[], partial: PartialRange): readonly NumberRange[] {
  const { from, to } = stretchOf(
    partial,
    ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0),
  );
  const part: NumberRange[] = [];
  let before = 0;
  for (const { first, last } of ranges) {
    const size = last - first + 1;
    const start = Math.max(from - before, 0);
    const end = Math.min(to - before, size);
    if (start < end) part.push({ first: first + start, last: first + end - 1 });
    before += size;
  }
  return part;
}
