// What is left of an operation that dies at any step, or whose master goes away at any call: after recovery every mailbox
// is in one place, reachable, and whole (S21–S25, S124–S134).

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { parseRightsChange } from "../../lib/mailbox/acl.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { requireMailboxName as name, parseMailboxName } from "../../lib/mailbox/name.ts";
import type { MailboxOperations } from "../../lib/mailbox/operations/mailbox-operations.ts";
import { admin, ann, BackendWorld } from "../support/backend-world.ts";
import { FakeMaster } from "../support/fake-master.ts";

interface Case {
  readonly title: string;
  readonly run: (operations: MailboxOperations) => Promise<unknown>;
  readonly deleteMode: "immediate" | "delayed";
  /** Messages the operation is meant to remove. */
  readonly removes: number;
}

const cases: readonly Case[] = [
  { title: "create", run: (it) => it.create(ann, name("user.ann.new")), deleteMode: "immediate", removes: 0 },
  { title: "remove", run: (it) => it.remove(ann, name("user.ann.a")), deleteMode: "immediate", removes: 3 },
  { title: "remove, delayed", run: (it) => it.remove(ann, name("user.ann.a")), deleteMode: "delayed", removes: 0 },
  { title: "remove a user", run: (it) => it.remove(admin, name("user.bob")), deleteMode: "immediate", removes: 12 },
  {
    title: "remove a user, delayed",
    run: (it) => it.remove(admin, name("user.bob")),
    deleteMode: "delayed",
    removes: 0,
  },
  {
    title: "rename",
    run: (it) => it.rename(ann, name("user.ann.a"), name("user.ann.z")),
    deleteMode: "immediate",
    removes: 0,
  },
  {
    title: "rename a user",
    run: (it) => it.rename(admin, name("user.ann"), name("user.eve")),
    deleteMode: "immediate",
    removes: 0,
  },
  {
    title: "rename INBOX",
    run: (it) => it.rename(ann, name("user.ann"), name("user.ann.old")),
    deleteMode: "immediate",
    removes: 0,
  },
  {
    title: "setAcl",
    run: (it) => it.setAcl(ann, name("user.ann"), "bob", parseRightsChange("lr")),
    deleteMode: "immediate",
    removes: 0,
  },
];

const folder = mkdtempSync(join(tmpdir(), "iatlas-faults-"));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const openList = () => openMailboxList({ path: join(folder, `${++count}`, "mailboxes.db"), clock: systemClock });

const belowBob = ["user.bob.x", "user.bob.x.y", "user.bob.z"];

async function newWorld({ deleteMode }: Case, list: MailboxList = new MemoryMailboxList()): Promise<BackendWorld> {
  const world = new BackendWorld(new FakeMaster(), { delete_mode: deleteMode }, list);
  await world.make(["user.ann", "user.ann.a", "user.ann.a.b", "user.bob", ...belowBob], 3);
  await world.operations.setAcl(admin, name("user.bob"), "cyrus", parseRightsChange("x"));
  world.master!.calls = 0;
  return world;
}

/** What must hold whenever nothing is under way and the master is there. */
function expectSound(world: BackendWorld, context: string): void {
  const master = world.master!;
  const ours = [...world.list.entries()];
  const published = Object.fromEntries([...master.names].map(([each, known]) => [each, { ...known }]));
  const expected = ours.map(({ name: each, acl, partition }) => [
    each,
    { state: "active", location: `be1!${partition}`, acl },
  ]);
  expect([context, published]).toEqual([context, Object.fromEntries(expected)]);
  expect([context, world.store.list("default").sort()]).toEqual([context, ours.map((entry) => entry.uniqueId).sort()]);
  expect([context, world.list.journal()]).toEqual([context, []]);
}

function snapshot(world: BackendWorld) {
  return {
    entries: [...world.list.entries()],
    folders: world.store.list("default"),
    messages: world.store.messages,
    journal: world.list.journal(),
    master: [...world.master!.names].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

async function stepsOf(each: Case): Promise<readonly string[]> {
  const world = await newWorld(each);
  const steps: string[] = [];
  await each.run(world.start((step) => void steps.push(step)));
  expectSound(world, each.title);
  return [...new Set(steps)];
}

async function callsOf(each: Case): Promise<number> {
  const world = await newWorld(each);
  await each.run(world.operations);
  return world.master!.calls;
}

for (const each of cases) {
  describe(each.title, () => {
    test("dies at any step and is sound after the restart (S134)", async () => {
      const steps = await stepsOf(each);
      expect(steps.length).toBeGreaterThan(2);
      for (const step of steps) {
        const world = await newWorld(each);
        const messages = world.store.messages;
        await world.crashAt(step, each.run);
        const report = await world.operations.recover();
        expect([step, report.pending, report.quarantined, report.unknownFolders]).toEqual([step, [], [], []]);
        expectSound(world, step);
        expect(world.store.messages).toBeGreaterThanOrEqual(messages - each.removes);
        await world.operations.recover();
        expectSound(world, `${step}, recovered twice`);
      }
    });

    test("dies at any step over the list on disk, and is sound after the restart", async () => {
      for (const step of await stepsOf(each)) {
        const world = await newWorld(each, openList());
        await world.crashAt(step, each.run);
        await world.operations.recover();
        expectSound(world, step);
        world.list.close();
      }
    });

    test("dies at any step while the master is away at the restart, and is sound when it is back (S129, S133)", async () => {
      for (const step of await stepsOf(each)) {
        const world = await newWorld(each);
        await world.crashAt(step, each.run);
        world.master!.isUp = false;
        const before = world.store.messages;
        await world.operations.recover();
        expect(world.store.messages).toBeGreaterThanOrEqual(before - each.removes);
        world.master!.isUp = true;
        await world.operations.recover();
        expectSound(world, step);
      }
    });

    test("is refused without a master and changes nothing (S21–S24)", async () => {
      const world = await newWorld(each);
      const before = snapshot(world);
      world.master!.isUp = false;
      await expect(each.run(world.operations)).rejects.toMatchObject({ code: "UNAVAILABLE" });
      world.master!.isUp = true;
      await world.operations.recover();
      expect(snapshot(world)).toEqual(before);
    });

    test("is refused when the master refuses, and changes nothing (S25)", async () => {
      const world = await newWorld(each);
      const before = snapshot(world);
      world.master!.refuses = true;
      await expect(each.run(world.operations)).rejects.toMatchObject({ name: "No", code: "CANNOT" });
      expect(snapshot(world)).toEqual(before);
    });

    test("loses the master at any call, or only its answer, and is sound when it is back", async () => {
      const calls = await callsOf(each);
      for (let call = 0; call < calls; call++) {
        for (const isDone of [false, true]) {
          const world = await newWorld(each);
          const messages = world.store.messages;
          world.master!.failure = { call, isDone };
          await each.run(world.operations).catch((fault) => expect(fault).toMatchObject({ code: "UNAVAILABLE" }));
          world.master!.isUp = true;
          world.master!.failure = undefined;
          await world.operations.recover(false);
          expectSound(world, `call ${call}, ${isDone ? "answer lost" : "not done"}`);
          expect(world.store.messages).toBeGreaterThanOrEqual(messages - each.removes);
        }
      }
    });
  });
}

test("no other server takes a name while the server that deletes it is down (S134)", async () => {
  const world = await newWorld(cases[1]!);
  await world.crashAt("delete:commit", (operations) => operations.remove(ann, name("user.ann.a")));
  const other = new BackendWorld(world.master, { servername: "be2" });
  await other.list.change([{ put: { ...world.list.find(name("user.ann"))!, server: "be1" } }]);
  await expect(other.operations.create(admin, name("user.ann.a"))).rejects.toMatchObject({ code: "ALREADYEXISTS" });
  await world.operations.recover();
  expectSound(world, "back");
});

test("a name given to another server by a master that lost its list is the other's; ours is set aside, with its mail (S167)", async () => {
  const world = await newWorld(cases[1]!);
  await world.crashAt("delete:commit", (operations) => operations.remove(ann, name("user.ann.a")));
  world.master!.names.delete(name("user.ann.a"));
  const other = new BackendWorld(world.master, { servername: "be2" });
  await other.list.change([{ put: { ...world.list.find(name("user.ann"))!, server: "be1" } }]);
  await other.operations.create(admin, name("user.ann.a"));
  await world.operations.recover();
  expect(world.names().includes("user.ann.a")).toBe(false);
  expect(world.names().some((each) => each.startsWith("DELETED.QUARANTINE.user.ann.a."))).toBe(true);
  expect(world.store.messages).toBe(21);
  expect(world.master!.locationOf(name("user.ann.a")) as string).toBe("be2!default");
});

test("what the master has not heard of is told again after a while, without being asked", async () => {
  const world = await newWorld(cases[0]!);
  world.master!.failure = { call: 1, isDone: false }; // the reservation stands, the activation is lost
  const entry = await world.operations.create(ann, name("user.ann.new"));
  expect(world.list.find(entry.name)).toEqual(entry);
  expect(world.master!.names.get(entry.name)?.state).toBe("reserved");
  world.master!.isUp = true;
  world.master!.failure = undefined;
  world.clock.advance(5_000);
  for (let turn = 0; turn < 100 && world.list.journal().length > 0; turn++) await Promise.resolve();
  expectSound(world, "after the retry");
});

test("a CREATE is possible again after one that failed without a master", async () => {
  const world = await newWorld(cases[0]!);
  world.master!.failure = { call: 0, isDone: true }; // reserved, but the answer was lost
  await expect(world.operations.create(ann, name("user.ann.new"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(world.operations.create(ann, name("user.ann.new"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  world.master!.isUp = true;
  world.master!.failure = undefined;
  await world.operations.create(ann, name("user.ann.new"));
  expectSound(world, "created at last");
});

test("recover() removes empty folders nobody knows, keeps and names those with mail (S127, S128)", async () => {
  const world = await newWorld(cases[0]!);
  const empty = "00000000-0000-4000-8000-000000000001" as never;
  const full = "00000000-0000-4000-8000-000000000002" as never;
  for (const each of [empty, full]) await world.store.create(each, "default", 7);
  world.store.fill(full, "default", 2);
  const report = await world.operations.recover();
  expect(report.removedFolders).toEqual([empty]);
  expect(report.quarantined.map(String)).toEqual([`DELETED.QUARANTINE.lost.${full}.6553F100`]);
  expect(world.list.findById(full)?.uidValidity).toBe(7);
});

test("recover() touches no folder when the list is empty", async () => {
  const world = new BackendWorld(new FakeMaster());
  await world.store.create("00000000-0000-4000-8000-000000000001" as never, "default", 7);
  const report = await world.operations.recover();
  expect([report.removedFolders, report.unknownFolders.length, world.store.list("default").length]).toEqual([[], 1, 1]);
});

test("recover() leaves alone what a living process is at", async () => {
  const world = await newWorld(cases[0]!);
  const record = {
    name: parseMailboxName("user.ann.new")!,
    worker: "other",
    work: { kind: "create", step: "reserve", uniqueId: "u" as never, partition: "default" },
  } as const;
  await world.list.change([], [{ begin: record }]);
  world.start(undefined, (worker) => worker === "other");
  await world.operations.recover();
  expect(world.list.journal()).toEqual([record]);
  world.start(undefined, "unknown");
  await world.operations.recover(false);
  expect(world.list.journal()).toEqual([record]);
  await world.operations.recover(true);
  expect(world.list.journal()).toEqual([]);
});

/** What runs in another process goes on while we wait, and time passes. */
async function ended<T>(world: BackendWorld, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  for (let turn = 0; turn < 10_000 && !isOver; turn++) {
    world.clock.advance(1);
    await Promise.resolve();
  }
  return work;
}

/** Two processes of one server; the first stands at `step` until it may go on. */
async function standingAt(world: BackendWorld, step: string, run: (operations: MailboxOperations) => Promise<unknown>) {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const first = world.start(
    (each) => {
      if (each !== step) return undefined;
      reached.resolve();
      return released.promise;
    },
    () => true,
  );
  const running = run(first);
  await reached.promise;
  return { running, second: world.start(undefined, () => true), goOn: released.resolve };
}

const rivals: readonly { readonly what: string; readonly run: Case["run"]; readonly code: string | undefined }[] = [
  { what: "CREATE of the new name", run: (it) => it.create(admin, name("user.ann.z")), code: "ALREADYEXISTS" },
  { what: "CREATE below the new name", run: (it) => it.create(admin, name("user.ann.z.new")), code: undefined },
  { what: "DELETE of a child", run: (it) => it.remove(ann, name("user.ann.a.b")), code: "NONEXISTENT" },
  {
    what: "SETACL of a child",
    run: (it) => it.setAcl(ann, name("user.ann.a.b"), "bob", parseRightsChange("lr")),
    code: "NONEXISTENT",
  },
  {
    what: "RENAME to the same name",
    run: (it) => it.rename(ann, name("user.ann.c"), name("user.ann.z")),
    code: "ALREADYEXISTS",
  },
];

for (const { what, run, code } of rivals) {
  test(`${what} in another process waits for RENAME with children`, async () => {
    const world = await newWorld(cases[0]!);
    await world.make(["user.ann.c"]);
    const rename: Case["run"] = (it) => it.rename(ann, name("user.ann.a"), name("user.ann.z"));
    const { running, second, goOn } = await standingAt(world, "rename:commit", rename);
    const waiting = run(second).then(
      () => undefined,
      (fault) => fault.code,
    );
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    goOn();
    await running;
    expect(await ended(world, waiting)).toBe(code);
    expectSound(world, what);
  });
}

test("two operations that begin on each other's names at the same moment end both", async () => {
  const world = await newWorld(cases[0]!);
  const [first, second] = [world.start(undefined, () => true), world.start(undefined, () => true)];
  const outcomes = await ended(
    world,
    Promise.allSettled([
      first.rename(ann, name("user.ann.a"), name("user.ann.z")),
      second.rename(ann, name("user.ann.a.b"), name("user.ann.y")),
      first.create(ann, name("user.ann.z")),
      second.remove(ann, name("user.ann.a")),
    ]),
  );
  expect(outcomes.map(({ status }) => status)).toContain("fulfilled");
  expectSound(world, "all ended");
});

for (const mode of ["immediate", "delayed"] as const) {
  test(`DELETE, ${mode}, goes through without the master with delete_without_mupdate, and it hears of it later (W13)`, async () => {
    const world = new BackendWorld(new FakeMaster(), { delete_mode: mode, delete_without_mupdate: true });
    await world.make(["user.ann", "user.ann.a"], 2);
    world.master!.isUp = false;
    await world.operations.remove(ann, name("user.ann.a"));
    expect(world.list.find(name("user.ann.a"))).toBeUndefined();
    expect(world.master!.names.has(name("user.ann.a"))).toBe(true);
    await expect(world.operations.create(ann, name("user.ann.b"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    world.master!.isUp = true;
    await world.operations.recover(false);
    expectSound(world, mode);
    expect(world.store.messages).toBe(mode === "delayed" ? 4 : 2);
  });
}

test("what belongs to a user's names follows a RENAME that recovery finishes", async () => {
  const world = await newWorld(cases[0]!);
  await world.subscriptions.add("ann", name("user.ann.a"));
  await world.quota.setLimits(name("user.ann"), { STORAGE: 1_000_000 });
  await world.crashAt("rename:activate", (it) => it.rename(admin, name("user.ann"), name("user.eve")));
  await world.operations.recover();
  expectSound(world, "recovered");
  expect(world.subscriptions.list("eve").map(String)).toEqual(["user.eve.a"]);
  expect(world.quota.find(name("user.ann"))).toBeUndefined();
  expect(world.quota.find(name("user.eve"))?.limits.STORAGE).toBe(1_000_000);
});

test("a user with hundreds of mailboxes whose removal loses the master half-way keeps the rest, and can be removed again", async () => {
  const world = await newWorld(cases[3]!);
  await world.make(
    Array.from({ length: 200 }, (_, at) => `user.bob.n${at}`),
    1,
  );
  world.master!.calls = 0;
  world.master!.failure = { call: 200, isDone: true };
  const remove = () => world.operations.remove(admin, name("user.bob"));
  await expect(remove()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  world.master!.isUp = true;
  world.master!.failure = undefined;
  await world.operations.recover(false);
  expectSound(world, "half-way");
  const left = [...world.list.descendants(name("user.bob"))].length;
  expect(left > 0 && left < 203).toBe(true);
  expect(world.list.find(name("user.bob"))).toBeDefined();
  expect(await remove()).toHaveLength(left + 1);
  expectSound(world, "removed");
});
