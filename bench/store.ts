// The message store alone: durable appends, flag changes, scans, and what open and idle mailboxes cost in memory. Prints one
// JSON line per figure. Runs for a few seconds, in a folder of its own (first argument, or the system's temporary one).

import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { encodeUtf8 } from "../lib/base/bytes.ts";
import { systemClock } from "../lib/base/clock.ts";
import { silentLog } from "../lib/base/log.ts";
import type { UniqueId } from "../lib/mailbox/list.ts";
import { type Mailbox, type MessageStore, type StagedMessage, SystemFlags, type Uid } from "../lib/mailbox/store.ts";
import { openStore } from "../lib/mailbox/store-sqlite/open-store.ts";
import { describeMessage } from "../lib/mailbox/structure.ts";

const runMs = 1000;
const root = fs.mkdtempSync(join(process.argv[2] ?? os.tmpdir(), "bench-store-"));
const header =
  "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: Figures\r\nMIME-Version: 1.0\r\n\r\n";
const message = encodeUtf8(header + `${"x".repeat(70)}\r\n`.repeat(56));

function report(what: string, value: number, unit: string, more: Record<string, number> = {}): void {
  console.log(JSON.stringify({ bench: "store", what, value: Math.round(value * 100) / 100, unit, ...more }));
}

function open(maxOpen = 256): MessageStore {
  const partitions = new Map([["default", root]]);
  return openStore({ partitions, log: silentLog, clock: systemClock, describe: describeMessage, maxOpen });
}

async function newMailboxes(store: MessageStore, count: number): Promise<Mailbox[]> {
  const boxes: Mailbox[] = [];
  for (let i = 0; i < count; i++) {
    const id = crypto.randomUUID() as UniqueId; // a brand is made where an id is
    await store.create(id, "default", 1);
    boxes.push(await store.open(id, "default"));
  }
  return boxes;
}

async function stage(store: MessageStore): Promise<StagedMessage> {
  const staging = await store.stage("default");
  await staging.write(message);
  return await staging.finish();
}

async function append(store: MessageStore, box: Mailbox): Promise<void> {
  const staged = await stage(store);
  await box.append([{ staged, flags: { system: 0, keywords: [] }, internalDateMs: Date.now() }], "ann");
  staged.discard();
}

/** Runs `work` by `workers` at once for a second; returns how often per second, and the longest stop of the event loop. */
async function rate(workers: number, work: (worker: number) => Promise<void>) {
  let count = 0;
  let longestGapMs = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longestGapMs = Math.max(longestGapMs, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const start = performance.now();
  const loop = async (worker: number) => {
    while (performance.now() - start < runMs) {
      await work(worker);
      count++;
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => loop(worker)));
  clearInterval(watch);
  return { perSecond: (count * 1000) / (performance.now() - start), longestGapMs: Math.round(longestGapMs) };
}

async function appends(): Promise<void> {
  const store = open();
  const boxes = await newMailboxes(store, 33);
  await rate(8, (worker) => append(store, boxes[worker]!)); // warm-up
  for (const workers of [1, 8, 32]) {
    const apart = await rate(workers, (worker) => append(store, boxes[worker]!));
    report("append 4 KB, durable, a mailbox each", apart.perSecond, "1/s", {
      workers,
      longestGapMs: apart.longestGapMs,
    });
    const together = await rate(workers, () => append(store, boxes[32]!));
    report("append 4 KB, durable, one mailbox", together.perSecond, "1/s", {
      workers,
      longestGapMs: together.longestGapMs,
    });
  }
  await store.close();
}

async function changesAndScans(): Promise<void> {
  const store = open();
  const [box] = (await newMailboxes(store, 1)) as [Mailbox];
  const staged = await stage(store);
  const copies = Array.from({ length: 20_000 }, () => ({
    staged,
    flags: { system: 0, keywords: [] },
    internalDateMs: 0,
  }));
  const start = performance.now();
  await box.append(copies, "ann");
  report("append of 20,000 messages in one go", copies.length / ((performance.now() - start) / 1000), "messages/s");
  const uids = [...box.uids()] as Uid[];
  for (const workers of [1, 8, 32]) {
    const { perSecond, longestGapMs } = await rate(workers, async () => {
      const uid = uids[Math.floor(Math.random() * uids.length)]!;
      const operation = Math.random() < 0.5 ? "add" : "remove";
      const flags = { system: SystemFlags.seen, keywords: [] };
      await box.changeFlags({ uids: [uid], operation, flags, allowedSystem: 31, mayChangeKeywords: false }, "ann");
    });
    report("changeFlags of one message, durable", perSecond, "1/s", { workers, longestGapMs });
  }
  const best = (work: () => number) => {
    let most = 0;
    for (let i = 0; i < 5; i++) {
      const begin = performance.now();
      const count = work();
      most = Math.max(most, count / ((performance.now() - begin) / 1000));
    }
    return most;
  };
  report(
    "records()",
    best(() => [...box.records(uids, "ann")].length),
    "messages/s",
  );
  report(
    "uids()",
    best(() => box.uids().length),
    "messages/s",
  );
  const times = (count: number, work: () => void) => () => {
    for (let i = 0; i < count; i++) work();
    return count;
  };
  report("version()", best(times(10_000, () => box.version())), "1/s");
  report("totals()", best(times(10_000, () => box.totals())), "1/s");
  report("body() and read of 4 KB", best(times(10_000, () => box.body(uids[7]!)!.read(0, 4096))), "1/s");
  box.release();
  await store.close();
}

async function memory(): Promise<void> {
  const store = open(200);
  const count = 2000;
  const rss = () => {
    Bun.gc(true);
    return process.memoryUsage().rss / 1024;
  };
  const ids: UniqueId[] = [];
  for (const box of await newMailboxes(store, count)) {
    ids.push(box.uniqueId);
    box.release();
  }
  await store.close();
  const second = open(200);
  const before = rss();
  const boxes = await Promise.all(ids.slice(0, 200).map((id) => second.open(id, "default")));
  for (const box of boxes) box.changesSince(box.totals().highestModSeq, "ann");
  const opened = rss();
  report("memory of an open mailbox", (opened - before) / 200, "KB");
  const start = performance.now();
  for (const id of ids.slice(200)) boxes.push(await second.open(id, "default"));
  report("open of a mailbox that is not open", (count - 200) / ((performance.now() - start) / 1000), "1/s");
  for (const box of boxes) box.watch(() => {});
  report("memory of an idle watching session", (rss() - opened) / (count - 200), "KB");
  for (const box of boxes) box.release();
  await second.close();
}

try {
  await appends();
  await changesAndScans();
  await memory();
} finally {
  fs.rmSync(root, { recursive: true, force: true });
}
