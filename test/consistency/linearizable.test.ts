import { expect, test } from "bun:test";
import { explain, type Operation } from "./linearizable.ts";

const write = (value: boolean, startMs: number, endMs: number): Operation<boolean> => ({
  ...{ text: `write ${value}`, startMs, endMs },
  apply: () => value,
});
const read = (value: boolean, startMs: number, endMs: number): Operation<boolean> => ({
  ...{ text: `read ${value}`, startMs, endMs },
  apply: (state) => (state === value ? state : undefined),
});

test("explain() finds the order of operations that overlap", () => {
  expect(explain([write(true, 0, 10), read(false, 1, 2), read(true, 3, 4)], false, String)).toEqual([true]);
  expect(explain([write(true, 0, 10), write(false, 0, 10)], false, String).sort()).toEqual([false, true]);
});

test("explain() finds none for a value that comes back after it was seen to be gone", () => {
  expect(explain([write(true, 0, 10), read(true, 1, 2), read(false, 3, 4)], false, String)).toEqual([]);
  expect(explain([write(true, 0, 1), read(false, 2, 3)], false, String)).toEqual([]);
});
