// Quota roots: one suite for both implementations.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { MemoryQuotaBook, type QuotaBook, usedOf } from "../../lib/mailbox/quota.ts";
import { openQuotaBook } from "../../lib/mailbox/quota-sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-quota-"));
let count = 0;
const newPath = () => join(folder, `${++count}.db`);
const open = (path: string) => openQuotaBook({ path, log: silentLog, clock: systemClock });
afterAll(() => rmSync(folder, { recursive: true }));

const implementations: readonly [string, () => QuotaBook][] = [
  ["MemoryQuotaBook", () => new MemoryQuotaBook()],
  ["openQuotaBook()", () => open(newPath())],
];
const ann = name("user.ann");

for (const [title, create] of implementations) {
  describe(title, () => {
    test("finds the nearest root above (S204)", async () => {
      const book = create();
      await book.setLimits(ann, { STORAGE: 10 });
      await book.setLimits(name("user.ann.big"), { MESSAGE: 5 });
      expect(book.rootOf(name("user.ann.x.y"))?.name).toBe(ann);
      expect(book.rootOf(name("user.ann.big.z"))?.name).toBe(name("user.ann.big"));
      expect(book.rootOf(name("user.anna"))).toBeUndefined();
      await book.close();
    });

    test("refuses what goes over, and only that", async () => {
      const book = create();
      await book.setLimits(ann, { STORAGE: 2, MESSAGE: 3 }, { bytes: 1024, messages: 1 });
      book.admit(ann, 1024, 2);
      expect(() => book.admit(ann, 1025, 1)).toThrow("Over quota");
      expect(() => book.admit(name("user.ann.x"), 1, 3)).toThrow("Over quota");
      book.changed(name("user.ann.x"), 1024, 2);
      expect(() => book.admit(ann, 1, 0)).toThrow("Over quota");
      book.admit(ann, 0, 0);
      book.admit(name("shared"), 1e9, 1e9);
      expect(book.find(ann)).toMatchObject({ bytes: 2048, messages: 3 });
      await book.close();
    });

    test("keeps usage when limits change, and takes a recount", async () => {
      const book = create();
      await book.setLimits(ann, { STORAGE: 2 }, { bytes: 100, messages: 1 });
      book.changed(ann, -500, -1);
      expect(book.find(ann)).toMatchObject({ bytes: 0, messages: 0 });
      await book.setLimits(ann, { MESSAGE: 7 });
      expect(book.find(ann)).toMatchObject({ limits: { MESSAGE: 7 }, bytes: 0 });
      await book.recount(ann, { bytes: 1025, messages: 2 });
      expect(usedOf(book.find(ann)!, "STORAGE")).toBe(2);
      await book.rename(ann, name("user.eve"));
      expect([...book.roots()].map((root) => root.name as string)).toEqual(["user.eve"]);
      await book.remove(name("user.eve"));
      expect([...book.roots()]).toEqual([]);
      await book.close();
    });
  });
}

test("openQuotaBook() writes usage when it is closed, and others see it", async () => {
  const path = newPath();
  const first = open(path);
  const second = open(path);
  await first.setLimits(ann, { STORAGE: 1 });
  expect(second.find(ann)).toMatchObject({ bytes: 0 });
  first.changed(ann, 700, 1);
  await first.close();
  expect(second.find(ann)).toMatchObject({ bytes: 700, messages: 1 });
  await second.close();
});
