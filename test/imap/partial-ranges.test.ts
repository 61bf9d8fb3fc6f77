import { expect, test } from "bun:test";
import fc from "fast-check";
import { partialRanges } from "../../lib/imap/fetch/partial-ranges.ts";
import { SequenceSet } from "../../lib/wire/sequence-set.ts";

test("partialRanges() takes so many of the messages from either end (RFC 9394 §3.2)", () => {
  const number = fc.integer({ min: 1, max: 40 });
  const part = fc.record({ a: number, b: number, isFromEnd: fc.boolean() });
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), part, (numbers, { a, b, isFromEnd }) => {
      const ranges = SequenceSet.parse(numbers.join(","))!.ranges(40);
      const all = ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
      const partial = { first: Math.min(a, b), last: Math.max(a, b), isFromEnd, text: "" };
      const given = partialRanges(ranges, partial).flatMap(({ first, last }) =>
        Array.from({ length: last - first + 1 }, (_, at) => first + at),
      );
      const counted = isFromEnd ? all.toReversed() : all;
      expect(given).toEqual(counted.slice(partial.first - 1, partial.last).sort((one, other) => one - other));
    }),
  );
});
