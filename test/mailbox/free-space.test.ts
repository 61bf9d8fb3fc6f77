// How much room there is, and the choice by it.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  chooseBySpace,
  emptiestOf,
  formatSpace,
  parseSpace,
  type SelectMode,
  spacesOf,
  totalOf,
} from "../../lib/mailbox/free-space.ts";

const named = (name: string, availableKiB: number, totalKiB: number) => ({ name, availableKiB, totalKiB });
const big = named("big", 400, 1000);
const empty = named("empty", 90, 100);
const full = named("full", 10, 1000);
const all = [full, big, empty];

/** How often each is chosen of 1000 evenly spread throws. */
function counts(mode: SelectMode, candidates = all, softLimit = 0): Record<string, number> {
  const found: Record<string, number> = {};
  for (let thrown = 0; thrown < 1000; thrown += 1) {
    const { name } = chooseBySpace(candidates, mode, softLimit, () => thrown / 1000);
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

describe("chooseBySpace()", () => {
  test.each([
    ["random", { full: 334, big: 333, empty: 333 }],
    ["freespace-most", { big: 1000 }],
    ["freespace-percent-most", { empty: 1000 }],
    ["freespace-percent-weighted", { full: 8, big: 305, empty: 687 }],
    ["freespace-percent-weighted-delta", { full: 4, big: 304, empty: 692 }],
  ] as const)("%s takes each as often as it should", (mode, expected) => {
    const found = counts(mode);
    for (const [name, count] of Object.entries(expected)) {
      expect(Math.abs((found[name] ?? 0) - count)).toBeLessThanOrEqual(1);
    }
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  });

  test("what is used beyond the soft limit is chosen only when all are", () => {
    expect(counts("freespace-most", all, 50)).toEqual({ empty: 1000 });
    expect(counts("freespace-most", [full, named("fuller", 9, 1000)], 50)).toEqual({ full: 1000 });
    expect(Object.keys(counts("random", all, 60)).sort()).toEqual(["big", "empty"]);
  });

  test("servers without any room are chosen when there is no other", () => {
    const none = named("none", 0, 0);
    for (const mode of ["freespace-most", "freespace-percent-weighted", "freespace-percent-weighted-delta"] as const) {
      expect(chooseBySpace([none], mode, 90, () => 0.999).name).toBe("none");
      expect(chooseBySpace([none, empty], mode, 0, () => 0.5).name).toBe("empty");
    }
  });
});

test("parseSpace() reads back what formatSpace() writes, and nothing else", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (availableKiB, totalKiB) => {
      expect(parseSpace(formatSpace({ availableKiB, totalKiB }))).toEqual({ availableKiB, totalKiB });
    }),
  );
  for (const text of ["", "1", "1;", ";1", "1;2;3", "-1;2", "a;b", "1.5;2", " 1;2"]) {
    expect(parseSpace(text)).toBeUndefined();
  }
});

test("spacesOf() counts a file system once and leaves out what is not there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "space-"));
  try {
    const [space, ...more] = await spacesOf([folder, join(folder, "missing"), folder]);
    expect(more).toEqual([]);
    expect(space!.totalKiB).toBeGreaterThan(0);
    expect(space!.availableKiB).toBeLessThanOrEqual(space!.totalKiB);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("totalOf() adds, emptiestOf() takes the greatest share; of nothing both know nothing", () => {
  expect(totalOf(all)).toEqual({ availableKiB: 500, totalKiB: 2100 });
  expect(emptiestOf(all)).toBe(empty);
  expect(totalOf([])).toBeUndefined();
  expect(emptiestOf([])).toBeUndefined();
});
