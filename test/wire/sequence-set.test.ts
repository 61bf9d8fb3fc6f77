import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatSequenceSet, SequenceSet, sequenceSetPieces } from "../../lib/wire/sequence-set.ts";

function parsed(text: string): SequenceSet {
  const set = SequenceSet.parse(text);
  if (!set) throw new Error(`not a sequence set: ${text}`);
  return set;
}

test.each([
  "",
  "0",
  "01",
  "1:",
  ":1",
  "1,,2",
  ",1",
  "1,",
  "1:2:3",
  "a",
  "1 ",
  "-1",
  "4294967296",
  "99999999999",
  "1:0",
  "$",
  "**",
])("SequenceSet.parse() refuses %p", (text) => {
  expect(SequenceSet.parse(text)).toBeUndefined();
});

const resolved: readonly (readonly [text: string, max: number, numbers: readonly number[]])[] = [
  ["1", 5, [1]],
  ["2:4", 5, [2, 3, 4]],
  ["4:2", 5, [2, 3, 4]],
  ["*", 5, [5]],
  ["*:4", 5, [4, 5]],
  ["5:*", 3, [3]], // RFC 9051 §9: the order of the two does not matter, so * is always in
  ["1:4294967295", 3, [1, 2, 3]],
  ["3,1,2:3,1", 5, [1, 2, 3]],
  ["*", 0, []],
  ["1:*", 0, []],
  ["7", 5, []],
];

test.each(resolved)("%p among %d numbers is %p", (text, max, numbers) => {
  expect([...parsed(text).resolve(max)]).toEqual([...numbers]);
});

test("resolveAmong() finds existing UIDs in the widest range without counting through it", () => {
  const uids = Uint32Array.of(3, 9, 4_000_000_000);
  expect([...parsed("1:4294967295").resolveAmong(uids)]).toEqual([3, 9, 4_000_000_000]);
  expect([...parsed("4:8").resolveAmong(uids)]).toEqual([]);
  expect([...parsed("*,1:3").resolveAmong(uids)]).toEqual([3, 4_000_000_000]);
  expect([...parsed("4294967295:*").resolveAmong(uids)]).toEqual([4_000_000_000]);
  expect([...parsed("1:*").resolveAmong(new Uint32Array(0))]).toEqual([]);
});

test("highest and hasStar tell what was written", () => {
  expect(parsed("3,17:5,*").highest).toBe(17);
  expect(parsed("3,17:5,*").hasStar).toBe(true);
  expect(parsed("*").highest).toBe(0);
  expect(parsed("1:2").hasStar).toBe(false);
});

test.each([
  [[], ""],
  [[1], "1"],
  [[1, 2], "1:2"],
  [[1, 2, 3, 5], "1:3,5"],
  [[1, 3, 5, 6], "1,3,5:6"],
])("formatSequenceSet(%p) is %p", (numbers, text) => {
  expect(formatSequenceSet(numbers)).toBe(text);
});

const ascending = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 })
  .map((numbers) => Uint32Array.from(numbers).sort());

test("what formatSequenceSet() writes parses to the same numbers", () => {
  fc.assert(
    fc.property(ascending, (numbers) => {
      expect([...parsed(formatSequenceSet(numbers)).resolve(60)]).toEqual([...numbers]);
    }),
  );
});

const item = fc.oneof(fc.constant("*"), fc.integer({ min: 1, max: 70 }).map(String));
const setText = fc
  .array(
    fc.oneof(
      item,
      fc.tuple(item, item).map(([from, to]) => `${from}:${to}`),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((items) => items.join(","));

test("contains(), resolve() and resolveAmong() agree", () => {
  fc.assert(
    fc.property(setText, ascending, (text, existing) => {
      const set = parsed(text);
      const max = existing[existing.length - 1]!;
      expect([...set.resolveAmong(existing)]).toEqual([...existing].filter((number) => set.contains(number, max)));
      const all = Array.from({ length: max }, (_, index) => index + 1);
      expect([...set.resolve(max)]).toEqual(all.filter((number) => set.contains(number, max)));
    }),
  );
});

test("sequenceSetPieces() gives the same set as formatSequenceSet(), however long", () => {
  const gaps = fc.array(fc.constantFrom(1, 1, 1, 2, 7), { maxLength: 5000 });
  fc.assert(
    fc.property(gaps, (steps) => {
      const numbers: number[] = [];
      for (const step of steps) numbers.push((numbers.at(-1) ?? 0) + step);
      const pieces = [...sequenceSetPieces(numbers.length, (index) => numbers[index]!)];
      expect(pieces.join("")).toBe(formatSequenceSet(numbers));
      expect(pieces.length).toBe(Math.floor(numbers.length / 1024) + 1);
    }),
    { numRuns: 30 },
  );
});

test('SequenceSet.saved is "$", and by itself nothing', () => {
  expect(SequenceSet.saved.text).toBe("$");
  expect(SequenceSet.saved.isSaved).toBe(true);
  expect(parsed("1:*").isSaved).toBe(false);
  expect(SequenceSet.saved.ranges(5)).toEqual([]);
});
