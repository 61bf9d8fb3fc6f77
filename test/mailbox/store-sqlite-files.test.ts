// What the durable store does with files and descriptors, and what it makes of what crashes leave behind.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { latin1 } from "../../lib/base/bytes.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import { type MessageStore, SystemFlags, type Uid } from "../../lib/mailbox/store.ts";
import { openStore } from "../../lib/mailbox/store-sqlite/open-store.ts";
import {
  change,
  codeOf,
  deliver,
  describeSimply,
  messageText,
  newId,
  noFlags,
  stageMessage,
} from "./store-fixtures.ts";

let root: string;
let store: MessageStore;
let id: UniqueId;
let folder: string;

beforeEach(async () => {
  root = fs.mkdtempSync(join(os.tmpdir(), "store-files-"));
  store = openTestStore();
  id = newId();
  folder = join(root, "default", id.slice(0, 2), id);
  await store.create(id, "default", 1);
});

afterEach(async () => {
  await store.close();
  fs.rmSync(root, { recursive: true, force: true });
});

function openTestStore(more: { readonly maxOpen?: number; readonly boot?: string } = {}): MessageStore {
  const partitions = new Map(["default", "slow"].map((name) => [name, join(root, name)]));
  return openStore({ partitions, log: silentLog, clock: systemClock, describe: describeSimply, ...more });
}

async function reopen(more: { readonly maxOpen?: number; readonly boot?: string } = {}) {
  await store.close();
  store = openTestStore(more);
  return await store.open(id, "default");
}

function descriptors(): number {
  let count = 0;
  for (const each of fs.readdirSync("/proc/self/fd")) {
    try {
      if (fs.readlinkSync(`/proc/self/fd/${each}`).startsWith(root)) count++;
    } catch {
      // The descriptor of the listing itself is gone by now.
    }
  }
  return count;
}

test("a message is a file <uid>. with its bytes as they came, and a copy is another name of it", async () => {
  const box = await store.open(id, "default");
  const uids = await deliver(store, box, ["plain"]);
  expect(fs.readFileSync(join(folder, "1."), "latin1")).toBe(messageText("plain"));
  await box.copyTo(box, uids, "ann");
  expect(fs.statSync(join(folder, "2.")).ino).toBe(fs.statSync(join(folder, "1.")).ino);
  expect(fs.readdirSync(join(root, "default", "stage"))).toEqual([]);
  box.release();
});

test("a copy to another partition is a file of its own, and nothing stays in stage/", async () => {
  const other = newId();
  await store.create(other, "slow", 1);
  const [box, target] = [await store.open(id, "default"), await store.open(other, "slow")];
  await box.copyTo(target, await deliver(store, box, ["moved"]), "ann");
  const copy = join(root, "slow", other.slice(0, 2), other, "1.");
  expect(fs.readFileSync(copy, "latin1")).toBe(messageText("moved"));
  expect(fs.statSync(copy).nlink).toBe(1);
  expect(fs.readdirSync(join(root, "slow", "stage"))).toEqual([]);
  box.release();
  target.release();
});

test("expunge() removes the files", async () => {
  const box = await store.open(id, "default");
  await box.expunge(await deliver(store, box, ["a", "b"]));
  await store.close();
  expect(fs.readdirSync(folder).filter((name) => name.endsWith("."))).toEqual([]);
});

test("a refused append leaves no file", async () => {
  const box = await store.open(id, "default");
  const staged = await stageMessage(store, messageText("no"));
  const late = { ...noFlags, keywords: ["x"] };
  const calls = [
    box.append([{ staged, flags: noFlags, internalDateMs: 0 }], "ann", () => {
      throw new Error("refused");
    }),
    box.append([{ staged, flags: late, internalDateMs: 0 }], "ann"),
  ] as const;
  const results = await Promise.allSettled(calls);
  expect(results.map((each) => each.status)).toEqual(["rejected", "fulfilled"]);
  expect(fs.readdirSync(folder).filter((name) => name.endsWith("."))).toEqual(["1."]);
  box.release();
});

test("a file left beyond UIDNEXT by a killed process is moved aside, not lost and not in the way", async () => {
  const box = await store.open(id, "default");
  await deliver(store, box, ["a"]);
  fs.writeFileSync(join(folder, "2."), "orphan");
  expect([...(await deliver(store, box, ["b"]))] as number[]).toEqual([2]);
  expect(latin1(box.body(2 as Uid)!.read(0, 99))).toBe(messageText("b"));
  expect(fs.readFileSync(join(folder, "2.orphan"), "latin1")).toBe("orphan");
  box.release();
});

test("after a crash of the machine UIDs and MODSEQs skip what may have been seen; after a mere restart they do not", async () => {
  let box = await store.open(id, "default");
  await deliver(store, box, ["a"]);
  const before = box.totals();
  box = await reopen();
  expect(box.totals()).toEqual(before);
  box = await reopen({ boot: "another" });
  const after = box.totals();
  expect(after.uidNext).toBeGreaterThan(before.uidNext + 100);
  expect(after.highestModSeq).toBeGreaterThan(before.highestModSeq + 1000);
  const [uid] = await deliver(store, box, ["b"]);
  expect(uid!).toBe(after.uidNext);
  box = await reopen({ boot: "another" });
  expect(box.totals().uidNext).toBe((uid! + 1) as Uid);
  box.release();
});

test("a crash of the machine that lost a file or a row leaves only what is whole", async () => {
  let box = await store.open(id, "default");
  await deliver(store, box, ["a", "b", "c"]);
  await deliver(store, box, ["d"]);
  fs.rmSync(join(folder, "2.")); // its folder entry did not reach the disk
  fs.truncateSync(join(folder, "4."), 5); // its bytes did not
  fs.writeFileSync(join(folder, "5."), "row lost");
  box = await reopen({ boot: "another" });
  expect([...box.uids()]).toEqual([1, 3]);
  expect(box.totals()).toMatchObject({ messages: 2, bytes: 2 * messageText("a").length });
  await store.close();
  expect(fs.existsSync(join(folder, "5."))).toBe(false);
  expect(fs.readFileSync(join(folder, "5.orphan"), "latin1")).toBe("row lost");
  expect(fs.existsSync(join(folder, "4."))).toBe(false);
  expect(fs.readFileSync(join(folder, "4.orphan"), "latin1")).toBe("Subje");
});

test("UIDs are reserved on disk ahead of use, also for appends larger than the reserve", async () => {
  const box = await store.open(id, "default");
  await deliver(
    store,
    box,
    Array.from({ length: 700 }, (_, i) => `m${i}`),
  );
  await store.close();
  const index = new Database(join(folder, "index.db"), { readonly: true });
  const row = index.query<{ uidnext: number; uid_reserved: number }, []>("SELECT * FROM mailbox").get();
  index.close();
  expect(row!.uidnext).toBe(701);
  expect(row!.uid_reserved).toBeGreaterThanOrEqual(701);
});

test.each([
  ["missing", () => fs.rmSync(join(folder, "index.db"))],
  ["not a database", () => fs.writeFileSync(join(folder, "index.db"), "x".repeat(8192))],
  ["empty", () => fs.writeFileSync(join(folder, "index.db"), "")],
  ["of a newer version", () => setVersion(999)],
])("a mailbox whose index is %s is UNAVAILABLE, and its messages are left alone", async (_, damage) => {
  const box = await store.open(id, "default");
  await deliver(store, box, ["kept"]);
  box.release();
  await store.close();
  damage();
  store = openTestStore();
  expect(await codeOf(store.open(id, "default"))).toBe("UNAVAILABLE");
  expect(fs.readFileSync(join(folder, "1."), "latin1")).toBe(messageText("kept"));
});

function setVersion(version: number): void {
  const index = new Database(join(folder, "index.db"));
  index.exec(`PRAGMA user_version = ${version}`);
  index.close();
}

test("an index of the first version is brought up to date when it is opened", async () => {
  let box = await store.open(id, "default");
  await deliver(store, box, ["kept"]);
  box.release();
  await store.close();
  const index = new Database(join(folder, "index.db"));
  const later = index.query<{ name: string }, []>("PRAGMA table_info(mailbox)").all().slice(14);
  for (const { name } of later) index.exec(`ALTER TABLE mailbox DROP COLUMN ${name}`);
  index.exec("DROP TABLE source; PRAGMA user_version = 1");
  index.close();
  store = openTestStore();
  box = await store.open(id, "default");
  const from = { mailbox: "user.ann", uidValidity: 1, uid: 1 };
  const message = { staged: await stageMessage(store, "moved"), flags: noFlags, internalDateMs: 0, from };
  expect(await box.append([message], "ann")).toEqual([2 as Uid]);
  expect(await box.append([message], "ann")).toEqual([2 as Uid]);
  expect(latin1(box.body(1 as Uid)!.read(0, 99))).toBe(messageText("kept"));
});

test("no more indexes than allowed stay open, and every handle goes on working", async () => {
  await store.close();
  store = openTestStore({ maxOpen: 4 });
  const boxes = [];
  for (let i = 0; i < 20; i++) {
    const each = newId();
    await store.create(each, "default", i + 1);
    boxes.push(await store.open(each, "default"));
  }
  for (let round = 0; round < 3; round++) {
    for (const box of boxes) {
      const [uid] = await deliver(store, box, [`round ${round}`]);
      await box.changeFlags(change("add", [uid!], { system: SystemFlags.seen }), "ann");
    }
  }
  for (const [i, box] of boxes.entries()) expect(box.totals()).toMatchObject({ messages: 3, uidValidity: i + 1 });
  // Closing happens in the background, after a checkpoint: at most as many again are on their way out.
  expect(descriptors()).toBeLessThanOrEqual(2 * 5 * 4);
  for (const box of boxes) box.release();
  await store.close();
  expect(descriptors()).toBe(0);
});

test("release() closes big messages, of which only a few are open at a time", async () => {
  const box = await store.open(id, "default");
  const staged = await stageMessage(store, new Uint8Array(100_000));
  await box.append(
    Array.from({ length: 10 }, () => ({ staged, flags: noFlags, internalDateMs: 0 })),
    "ann",
  );
  staged.discard();
  const before = descriptors();
  const bodies = Array.from({ length: 10 }, (_, i) => box.body((i + 1) as Uid)!);
  expect(descriptors() - before).toBe(4);
  for (const body of bodies) expect(body.read(99_990, 100_010).length).toBe(10);
  box.release();
  expect(descriptors()).toBe(before);
});

test("a start removes what was on its way out, and leaves fresh work of other processes alone", async () => {
  await store.close();
  fs.mkdirSync(join(root, "default", "removed", "old"));
  fs.writeFileSync(join(root, "default", "removed", "old", "1."), "x");
  fs.writeFileSync(join(root, "default", "stage", "fresh"), "x");
  fs.writeFileSync(join(root, "default", "stage", "stale"), "x");
  fs.utimesSync(join(root, "default", "stage", "stale"), 1, 1);
  store = openTestStore();
  await store.close();
  expect(fs.readdirSync(join(root, "default", "removed"))).toEqual([]);
  expect(fs.readdirSync(join(root, "default", "stage"))).toEqual(["fresh"]);
});

test("a mailbox written to for long keeps its WAL small", async () => {
  const box = await store.open(id, "default");
  const uids = await deliver(
    store,
    box,
    Array.from({ length: 90 }, (_, i) => `m${i}`),
  );
  let largest = 0;
  for (let i = 0; i < 1500; i++) {
    const operation = i % 2 ? "remove" : "add";
    await box.changeFlags(change(operation, uids, { system: SystemFlags.flagged }), "ann");
    largest = Math.max(largest, fs.statSync(join(folder, "index.db-wal")).size);
  }
  // Without, it would be twice that.
  expect(largest).toBeLessThan(24 * 1024 * 1024);
  box.release();
});
