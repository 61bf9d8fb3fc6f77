// One process of a backend keeps it and the master agreed, without an administrator.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { type Log, silentLog } from "../../lib/base/log.ts";
import { Metrics } from "../../lib/base/metrics.ts";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { quarantinedNameOf } from "../../lib/mailbox/name.ts";
import type { BackendReport } from "../../lib/mupdate/extension.ts";
import { entryOf, type MailboxRecord } from "../../lib/mupdate/record.ts";
import { Reconciler, type ReconcilerMaster, type ReconcilerOptions } from "../../lib/murder/reconciler.ts";
import { acceptServerName, readServerNames, requireServerName } from "../../lib/murder/server-name.ts";
import { active, connectTo, emptyRegistry, mailboxName, sessionOptions } from "../support/mupdate-world.ts";

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const bob = active("user.bob", "be1!default", "bob\tlrs\t");

interface WorldOptions extends Partial<ReconcilerOptions> {
  readonly records?: readonly MailboxRecord[];
  readonly entries?: readonly MailboxRecord[];
}

async function worldOf({ records = [], entries = [], ...more }: WorldOptions = {}) {
  const list = new MemoryMailboxList();
  await list.change(entries.map((record) => ({ put: { ...entryOf(record), server: "" } })));
  const registry = emptyRegistry(records);
  const clock = new ManualClock(1_000_000);
  const metrics = new Metrics();
  const logged: string[] = [];
  const note = (text: string) => void logged.push(text);
  const log: Log = { ...silentLog, error: note, warning: note, notice: note };
  const reports: BackendReport[] = [];
  const connectMaster = async (): Promise<ReconcilerMaster> => {
    const client = await connectTo(sessionOptions(registry));
    return Object.assign(client, {
      banner: { ...client.banner, feed: "F" },
      report: async (_role: string, _name: string, report: BackendReport) => void reports.push(report),
    });
  };
  const optionsOf = (worker: string): ReconcilerOptions => ({
    list,
    server: "be1",
    isReplicated: false,
    listsOthers: false,
    deletedPrefix: "DELETED",
    limits: { count: 2, percent: 0 },
    quarantineDelayMs: 60_000,
    intervalMs: 3_000,
    settle: async () => {},
    quarantine: async (name) => {
      const to = quarantinedNameOf(name, 0);
      const entry = list.find(name)!;
      await list.change([{ remove: name }, { insert: { ...entry, name: to } }]);
      await registry.activate(to, ann.location, entry.acl);
      return to;
    },
    worker,
    isWorkerAlive: () => true,
    clock,
    log,
    metrics,
    ...more,
  });
  const reconciler = new Reconciler(optionsOf("1"));
  return { list, registry, clock, metrics, logged, reports, connectMaster, optionsOf, reconciler };
}

function isInCharge(reconciler: Reconciler): unknown {
  const { isReconciler } = reconciler.state();
  return isReconciler;
}

/** Lets time pass, and what then begins come to its end. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("the master is back: what is missing is pushed, what is stale goes, and the master hears how it went (S163, S165)", async () => {
  const world = await worldOf({ entries: [ann], records: [bob] });
  await world.reconciler.masterBack(await world.connectMaster());
  expect([...world.registry.records()]).toEqual([ann]);
  expect(world.logged).toEqual(["agreed with the master"]);
  expect(world.reports).toEqual([
    {
      mailboxes: 1,
      outbox: 0,
      oldestMs: 0,
      lastReconcileMs: 1_000_000,
      lastReconcile: "1 activated, 1 removed",
    },
  ]);
  const text = await world.metrics.text();
  expect(text).toContain('iatlas_reconcile_mailboxes_total{action="activated"} 1');
  expect(text).toContain('iatlas_reconcile_rounds_total{result="agreed"} 1');
  await world.reconciler.close();
});

test("reports follow the mailboxes that are made and deleted after the last comparison", async () => {
  const world = await worldOf({ entries: [ann] });
  await world.reconciler.masterBack(await world.connectMaster());
  await world.list.change([{ put: { ...entryOf(bob), server: "" } }]);
  await pass(world.clock, 3_000);
  expect(world.reports.map(({ mailboxes }) => mailboxes)).toEqual([1, 2]);
  await world.reconciler.close();
});

test("the outbox is told before anything is compared", async () => {
  const order: string[] = [];
  const world = await worldOf({ entries: [ann], settle: async () => void order.push("settle") });
  const stop = world.registry.watch(() => void order.push("master"));
  await world.reconciler.masterBack(await world.connectMaster());
  expect(order[0]).toBe("settle");
  stop();
  await world.reconciler.close();
});

test("a conflict moves to quarantine only after the delay, and not if it was settled by then", async () => {
  const there = [active("user.ann", "be2!default"), active("user.bob", "be2!default")];
  const world = await worldOf({ entries: [ann, bob], records: there });
  await world.reconciler.masterBack(await world.connectMaster());
  expect([world.list.find(ann.name)?.state, world.list.find(bob.name)?.state]).toEqual(["active", "active"]);
  expect(world.logged.filter((text) => text === "mailbox is on two servers")).toHaveLength(2);
  await world.registry.remove(bob.name); // its other server does not have it after all
  await pass(world.clock, 60_000);
  expect(world.list.find(ann.name)).toBeUndefined();
  expect(world.registry.find(bob.name)).toEqual(bob);
  const quarantined = quarantinedNameOf(ann.name, 0);
  expect(world.registry.find(quarantined)?.location as string).toBe("be1!default");
  expect(world.reconciler.state()).toMatchObject({ quarantined: [quarantined] });
  await world.reconciler.close();
});

test("a plan that is refused changes nothing, is told once, and is made again later", async () => {
  const names = ["a", "b", "c"].map((each) => active(each, "be1!default"));
  const world = await worldOf({ entries: [ann], records: names });
  await world.reconciler.masterBack(await world.connectMaster());
  expect(world.registry.size).toBe(3);
  expect(world.reconciler.state()).toMatchObject({
    lastReconcile: { activated: 0, refused: expect.stringContaining("Refusing to withdraw 3 of the 3") },
  });
  expect(world.reports.at(-1)?.lastReconcile).toStartWith("refused: ");
  await pass(world.clock, 60_000);
  expect(world.logged).toEqual(["not agreed with the master"]);
  await world.registry.remove(mailboxName("a"));
  await pass(world.clock, 120_000);
  expect([...world.registry.records()]).toEqual([ann]);
  await world.reconciler.close();
});

test("of several processes one does it; when he has died, another one does", async () => {
  let living = ["1", "2"];
  const world = await worldOf({ entries: [ann], isWorkerAlive: (worker) => living.includes(worker) });
  const second = new Reconciler(world.optionsOf("2"));
  await world.reconciler.masterBack(await world.connectMaster());
  await world.registry.remove(ann.name);
  const master = await world.connectMaster();
  await second.masterBack(master);
  expect([world.registry.size, isInCharge(second)]).toEqual([0, false]);
  expect(second.state()).toMatchObject({ lastReconcile: { activated: 1 } });
  living = ["2"];
  await pass(world.clock, 3_000);
  expect([world.registry.size, isInCharge(second)]).toEqual([1, true]);
  await second.close();
  expect(world.list.note("reconciler")).toBeUndefined();
});

test("a process that ends leaves the work to the next", async () => {
  const world = await worldOf({ entries: [ann] });
  await world.reconciler.masterBack(await world.connectMaster());
  const second = new Reconciler(world.optionsOf("2"));
  await second.masterBack(await world.connectMaster());
  await world.reconciler.close();
  await pass(world.clock, 3_000);
  expect(second.state()).toMatchObject({ isReconciler: true, master: "connected" });
  await second.close();
});

test("a master that goes away in the middle is no fault: it is tried again when it is back", async () => {
  const world = await worldOf({ entries: [ann] });
  const lost = {
    ...(await world.connectMaster()),
    list: () => Promise.reject(new No("UNAVAILABLE", "lost")),
    isOpen: true,
  };
  await world.reconciler.masterBack(lost as never);
  expect(world.logged).toEqual(["not yet agreed with the master"]);
  await world.reconciler.masterBack(await world.connectMaster());
  expect(world.registry.find(ann.name)).toEqual(ann);
  await world.reconciler.close();
});

test("what waits in the journal shows, with its age", async () => {
  const world = await worldOf({ entries: [ann] });
  await world.reconciler.masterBack(await world.connectMaster());
  const uniqueId = "u" as MailboxEntry["uniqueId"];
  const work = { kind: "create", step: "activate", uniqueId, partition: "default" } as const;
  await world.list.change([], [{ begin: { name: ann.name, worker: "", work } }]);
  expect(world.reconciler.state()).toMatchObject({ outbox: 1, oldestMs: 0 });
  await pass(world.clock, 3_000);
  expect(world.reports.at(-1)).toMatchObject({ outbox: 1, oldestMs: 3_000 });
  expect(await world.metrics.text()).toContain("iatlas_outbox_oldest_seconds 3");
  await world.reconciler.close();
});

test("former names of the server are forgotten when the master has nothing there any more", async () => {
  const world = await worldOf({ entries: [ann], records: [active("user.ann", "old!default")] });
  await requireServerName(world.list, "old");
  await acceptServerName(world.list, "be1");
  await world.reconciler.masterBack(await world.connectMaster());
  expect([...world.registry.records()]).toEqual([ann]);
  expect(readServerNames(world.list).formers).toEqual([]);
  await world.reconciler.close();
});
