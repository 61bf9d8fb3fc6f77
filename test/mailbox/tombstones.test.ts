// What a mailbox on disk remembers of expunged messages: so many, whole MODSEQs of them, across restarts and upgrades.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import type { Mailbox, MessageStore, ModSeq, Uid } from "../../lib/mailbox/store.ts";
import { openStore } from "../../lib/mailbox/store-sqlite/open-store.ts";
import { deliver, describeSimply, newId } from "./store-fixtures.ts";

let folder: string;
let store: MessageStore;
let box: Mailbox;
let id: UniqueId;

beforeEach(async () => {
  folder = fs.mkdtempSync(join(os.tmpdir(), "tombstones-"));
  id = newId();
  open(4);
  await store.create(id, "default", 1);
  box = await store.open(id, "default");
});

afterEach(async () => {
  box.release();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

function open(maxTombstones: number): void {
  const partitions = new Map([["default", folder]]);
  store = openStore({ partitions, log: silentLog, clock: systemClock, describe: describeSimply, maxTombstones });
}

async function reopen(maxTombstones: number, between: (index: Database) => void = () => {}): Promise<void> {
  box.release();
  await store.close();
  const index = new Database(join(folder, id.slice(0, 2), id, "index.db"), { readwrite: true });
  between(index);
  index.close();
  open(maxTombstones);
  box = await store.open(id, "default");
}

const since = (modSeq: number) => box.vanishedSince(modSeq as ModSeq);
const subjects = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

test("the oldest are forgotten, all of one MODSEQ at a time, and who asks for them is told so", async () => {
  const uids = await deliver(store, box, subjects(9));
  const start = box.totals().highestModSeq;
  for (const some of [[0, 1], [2, 3], [4]]) await box.expunge(some.map((at) => uids[at]!));
  expect(since(start)).toEqual(uids.slice(0, 5));
  await box.expunge([uids[5]!]); // six, where four are kept for certain and five are borne
  expect(since(start)).toBeUndefined();
  expect(since(start + 1)).toEqual(uids.slice(2, 6));
  expect(box.changesSince(start, "ann").expunged).toBeUndefined();
  expect(box.changesSince((start + 1) as ModSeq, "ann").expunged).toEqual(uids.slice(2, 6));
});

test("what is remembered and what is forgotten outlives a restart", async () => {
  const uids = await deliver(store, box, subjects(9));
  const start = box.totals().highestModSeq;
  await box.expunge(uids.slice(0, 3));
  await box.expunge(uids.slice(3, 7));
  await reopen(4);
  expect(since(start)).toBeUndefined();
  expect(since(start + 1)).toEqual(uids.slice(3, 7));
  await box.expunge(uids.slice(7));
  expect(since(start + 2)).toEqual(uids.slice(7));
});

test("removals of more than are remembered leave nothing, and nobody is told less than there is", async () => {
  const uids = await deliver(store, box, subjects(8));
  const start = box.totals().highestModSeq;
  await box.expunge(uids);
  expect(since(start)).toBeUndefined();
  expect(since(start + 1)).toEqual([]);
});

test("an index of an older version keeps its tombstones, and they count", async () => {
  const uids = await deliver(store, box, subjects(3));
  const start = box.totals().highestModSeq;
  await box.expunge(uids.slice(0, 2));
  await reopen(4, (index) => {
    index.run("ALTER TABLE mailbox DROP COLUMN tombstones");
    index.run("ALTER TABLE mailbox DROP COLUMN forgotten");
    index.run("PRAGMA user_version = 2");
  });
  expect(since(start)).toEqual(uids.slice(0, 2));
  await box.expunge([uids[2]!] as Uid[]);
  const more = await deliver(store, box, subjects(3));
  await box.expunge(more);
  expect(since(start)).toBeUndefined();
});
