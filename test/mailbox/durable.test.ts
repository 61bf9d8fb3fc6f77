// Group commit: who shares a sync with whom, and what a failed one means.

import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { No } from "../../lib/base/fault.ts";
import { FolderSyncs, replaceFile, SharedSync, syncFile, WalSync } from "../../lib/mailbox/durable.ts";

const folder = fs.mkdtempSync(join(os.tmpdir(), "durable-"));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function controlledSync() {
  const runs: { resolve: () => void; reject: (fault: Error) => void }[] = [];
  const shared = new SharedSync(() => new Promise<void>((resolve, reject) => runs.push({ resolve, reject })));
  return { shared, runs };
}

test("SharedSync starts at once for the first who waits", () => {
  const { shared, runs } = controlledSync();
  void shared.wait();
  expect(runs.length).toBe(1);
});

test("SharedSync lets everybody who came during a sync share the next one", async () => {
  const { shared, runs } = controlledSync();
  const first = shared.wait();
  const late = [shared.wait(), shared.wait(), shared.wait()];
  expect(runs.length).toBe(1);
  runs[0]!.resolve();
  await first;
  await Promise.resolve();
  expect(runs.length).toBe(2);
  runs[1]!.resolve();
  await Promise.all(late);
  expect(shared.isIdle).toBe(true);
});

test("SharedSync fails only those whose sync failed", async () => {
  const { shared, runs } = controlledSync();
  const first = shared.wait();
  const second = shared.wait();
  runs[0]!.reject(new Error("EIO"));
  await expect(first).rejects.toThrow("EIO");
  await Promise.resolve();
  runs[1]!.resolve();
  await second;
});

test("WalSync syncs commits of an open database and frees its descriptor", async () => {
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, "a.db");
  const database = new Database(path);
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t (a)");
  const sync = new WalSync(path);
  database.exec("INSERT INTO t VALUES (1)");
  await Promise.all([sync.committed(), sync.committed(), sync.committed()]);
  expect(openDescriptors("a.db-wal")).toBe(2);
  sync.close();
  expect(openDescriptors("a.db-wal")).toBe(1);
  database.close();
});

test("WalSync keeps rejecting after a failed sync", async () => {
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, "b.db");
  fs.symlinkSync("/proc/self/mem/nowhere", `${path}-wal`);
  const sync = new WalSync(path);
  const fault = await sync.committed().catch((each: unknown) => each);
  expect(fault).toBeInstanceOf(No);
  fs.rmSync(`${path}-wal`);
  fs.writeFileSync(`${path}-wal`, "");
  await expect(sync.committed()).rejects.toThrow(No);
});

test("FolderSyncs rejects for a folder that is gone, and forgets it", async () => {
  const syncs = new FolderSyncs();
  await expect(syncs.sync(join(folder, "gone"))).rejects.toThrow("ENOENT");
  fs.mkdirSync(join(folder, "gone"), { recursive: true });
  await syncs.sync(join(folder, "gone"));
});

test("replaceFile() leaves nothing but the new contents", async () => {
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, "file");
  await replaceFile(path, "one");
  await replaceFile(path, "two");
  await syncFile(path);
  expect(fs.readFileSync(path, "utf8")).toBe("two");
  expect(fs.readdirSync(folder)).toEqual(["file"]);
});

function openDescriptors(suffix: string): number {
  return fs.readdirSync("/proc/self/fd").filter((each) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${each}`).endsWith(suffix);
    } catch {
      return false;
    }
  }).length;
}
