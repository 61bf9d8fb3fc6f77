// One suite for every store behind the master: in memory, and on the sqlite mailbox list.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock, systemClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { type MailboxRecord, recordOf } from "../../lib/mupdate/record.ts";
import type { Registry, RegistryChange } from "../../lib/mupdate/registry.ts";
import { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { active, emptyRegistry, journalWith, mailboxName, registryOver, reserved } from "../support/mupdate-world.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function openStored(folder: string): Promise<Registry> {
  const list = openMailboxList({ path: join(folder, "mailboxes.db"), clock: systemClock });
  ends.push(() => list.close());
  await list.setComplete(true);
  const records: MailboxRecord[] = [];
  for (const entry of list.entries()) records.push(recordOf(entry, "")!);
  return new MasterRegistry({
    journal: list,
    feed: await list.beginFeed(),
    records,
    isReplicated: false,
    clock: systemClock,
    deadlineMs: 5000,
  });
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  ends.push(() => rmSync(folder, { recursive: true }));
  return folder;
}

const stores: readonly [string, () => Promise<Registry>][] = [
  ["memory", async () => emptyRegistry()],
  ["sqlite", () => openStored(newFolder())],
];

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const here = ann.location;
const there = active("x", "be2!default").location;

describe.each(stores)("a registry in %s", (_, open) => {
  test("gives a name to one of two who reserve it at once (S27, R63)", async () => {
    const registry = await open();
    const outcomes = await Promise.allSettled([registry.reserve(ann.name, here), registry.reserve(ann.name, there)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected"]);
    expect(registry.find(ann.name)).toEqual(reserved("user.ann", "be1!default"));
  });

  test("lets the same location reserve again (R78)", async () => {
    const registry = await open();
    await registry.activate(ann.name, here, ann.acl);
    await registry.reserve(ann.name, here);
    expect(registry.find(ann.name)?.state).toBe("reserved");
  });

  test("activates without a reservation, and moves by activating (R64)", async () => {
    const registry = await open();
    await registry.activate(ann.name, here, ann.acl);
    await registry.activate(ann.name, there, ann.acl);
    expect(registry.find(ann.name)).toEqual({ ...ann, location: there });
  });

  test("deactivates only what is active, and removes only what is there (R66, R67)", async () => {
    const registry = await open();
    expect(await faultOf(registry.deactivate(ann.name, here))).toBeInstanceOf(No);
    expect(await faultOf(registry.remove(ann.name))).toBeInstanceOf(No);
    await registry.activate(ann.name, here, ann.acl);
    await registry.deactivate(ann.name, there);
    expect(registry.find(ann.name)).toEqual(reserved("user.ann", "be2!default"));
    expect(await faultOf(registry.deactivate(ann.name, there))).toBeInstanceOf(No);
    await registry.remove(ann.name);
    expect(registry.find(ann.name)).toBeUndefined();
    expect(registry.size).toBe(0);
  });

  test("decides on what was accepted a moment ago, though it is not on disk yet", async () => {
    const registry = await open();
    const writes = [registry.reserve(ann.name, here), registry.remove(ann.name), registry.reserve(ann.name, there)];
    await Promise.all(writes);
    expect(registry.find(ann.name)?.location).toBe(there);
  });

  test("tells watchers of changes in order, and passes the barrier only after them (R73)", async () => {
    const registry = await open();
    const seen: RegistryChange[] = [];
    const stop = registry.watch((changes) => seen.push(...(changes ?? [])));
    void registry.activate(ann.name, here, ann.acl);
    await registry.barrier();
    expect(seen).toEqual([{ name: ann.name, record: ann, wasPresent: false }]);
    await registry.remove(ann.name);
    expect(seen[1]).toEqual({ name: ann.name, record: undefined, wasPresent: true });
    stop();
    await registry.activate(ann.name, here, ann.acl);
    expect(seen).toHaveLength(2);
  });

  test("numbers its changes: its position grows with them, and tells what came after", async () => {
    const registry = await open();
    const start = registry.position;
    await registry.activate(ann.name, here, ann.acl);
    const one = registry.position;
    await Promise.all([registry.reserve(mailboxName("user.bob"), here), registry.remove(ann.name)]);
    const two = registry.position;
    expect([one.feed, two.feed]).toEqual([start.feed, start.feed]);
    expect(one.sequence).toBeGreaterThan(start.sequence);
    expect(two.sequence).toBeGreaterThan(one.sequence);
    const both = new Set([ann.name, mailboxName("user.bob")]);
    expect(new Set(registry.namesSince(start))).toEqual(both);
    expect(new Set(registry.namesSince(one))).toEqual(both);
    expect([...registry.namesSince(two)!]).toEqual([]);
  });

  test("does not know a place that it never reached, nor one of another feed", async () => {
    const registry = await open();
    await registry.activate(ann.name, here, ann.acl);
    const { feed, sequence } = registry.position;
    expect(registry.namesSince({ feed, sequence: sequence + 1 })).toBeUndefined();
    expect(registry.namesSince({ feed: "another", sequence })).toBeUndefined();
    expect(registry.namesSince({ feed: "", sequence: 0 })).toBeUndefined();
  });

  test("has given a change to its watchers when its position has reached it", async () => {
    const registry = await open();
    const seen = new Map<number, number>();
    let told = 0;
    registry.watch((changes) => {
      told += changes?.length ?? 0;
      seen.set(registry.position.sequence, told);
    });
    const before = registry.position.sequence;
    for (const name of ["user.a", "user.b", "user.c"]) await registry.reserve(mailboxName(name), here);
    expect([...seen]).toEqual([1, 2, 3].map((count) => [before + count, count]));
  });

  test("walks all records in order while they come and go", async () => {
    const registry = await open();
    const names = Array.from({ length: 2000 }, (_, index) => mailboxName(`user.u${index}`));
    await Promise.all(names.map((name) => registry.activate(name, here, ann.acl)));
    const walked: string[] = [];
    for (const { name } of registry.records()) {
      walked.push(name);
      if (walked.length === 100) {
        await registry.remove(names[0]!);
        await registry.activate(mailboxName("user.zz"), here, ann.acl);
      }
    }
    expect(new Set(walked).size).toBe(walked.length);
    expect(walked).toContain("user.zz");
    expect(walked).toEqual([...walked].sort());
  });
});

test("what a stored registry acknowledged is there when it is opened again", async () => {
  const folder = newFolder();
  const first = await openStored(folder);
  await Promise.all([
    first.activate(ann.name, here, ann.acl),
    first.reserve(mailboxName("user.bob"), there),
    first.activate(mailboxName("user.carl"), there, ann.acl),
  ]);
  await first.remove(mailboxName("user.carl"));
  const again = await openStored(folder);
  expect([...again.records()]).toEqual([ann, reserved("user.bob", "be2!default")]);
});

test("a stored registry that is opened again goes on with its numbers, under a new name of its feed", async () => {
  const folder = newFolder();
  const first = await openStored(folder);
  await first.activate(ann.name, here, ann.acl);
  const left = first.position;
  await first.reserve(mailboxName("user.bob"), there);
  const again = await openStored(folder);
  expect(again.position.feed).not.toBe(left.feed);
  expect(again.position.sequence).toBe(first.position.sequence);
  expect([...again.namesSince(left)!]).toEqual([mailboxName("user.bob")]);
  expect((await openStored(newFolder())).namesSince(left)).toBeUndefined();
});

test("nobody sees a change before it is on disk, and a failed one never happened", async () => {
  const gate = Promise.withResolvers<number>();
  const registry = registryOver(journalWith(() => gate.promise));
  const write = registry.activate(ann.name, here, ann.acl);
  await new Promise((resolve) => setImmediate(resolve));
  expect(registry.find(ann.name)).toBeUndefined();
  gate.reject(new Error("disk full"));
  expect(await faultOf(write)).toMatchObject({ code: "UNAVAILABLE" });
  expect(registry.find(ann.name)).toBeUndefined();
  expect(await faultOf(registry.remove(ann.name))).toMatchObject({ code: "NONEXISTENT" });
});

test("a writer is told to ask again when the disk does not answer in time", async () => {
  const clock = new ManualClock();
  const registry = registryOver(
    journalWith(() => new Promise(() => {})),
    { clock, deadlineMs: 1000 },
  );
  const write = faultOf(registry.activate(ann.name, here, ann.acl));
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(1000);
  expect(await write).toMatchObject({ code: "UNAVAILABLE" });
});

test("writes of one turn share one transaction", async () => {
  const sizes: number[] = [];
  const registry = registryOver(
    journalWith(async (edits) => {
      sizes.push(edits.length);
      return sizes.length;
    }),
  );
  const names = Array.from({ length: 100 }, (_, index) => mailboxName(`user.u${index}`));
  await Promise.all(names.map((name) => registry.reserve(name, here)));
  expect(sizes).toEqual([100]);
});

async function faultOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (fault) {
    return fault;
  }
  return undefined;
}
