// A backend makes the master agree with it.

import { expect, test } from "bun:test";
import { No } from "../../lib/base/fault.ts";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { type MailboxName, quarantinedNameOf } from "../../lib/mailbox/name.ts";
import { entryOf, type MailboxRecord } from "../../lib/mupdate/record.ts";
import { type ApplySettings, applyPlan } from "../../lib/murder/apply-plan.ts";
import {
  describePlan,
  isEmptyPlan,
  planAsJson,
  planReconcile,
  type ReconcileOptions,
  whyImplausible,
} from "../../lib/murder/reconcile.ts";
import { active, connectTo, emptyRegistry, mailboxName, reserved, sessionOptions } from "../support/mupdate-world.ts";

function local(record: MailboxRecord, state: MailboxEntry["state"] = "active"): MailboxEntry {
  return { ...entryOf(record), server: "", state };
}

async function worldOf(entries: readonly MailboxEntry[], records: readonly MailboxRecord[]) {
  const list = new MemoryMailboxList();
  await list.change(entries.map((entry) => ({ put: entry })));
  const registry = emptyRegistry(records);
  const master = await connectTo(sessionOptions(registry));
  const options: ReconcileOptions = { list, master, server: "be1", isAuthoritative: false };
  return { list, registry, options };
}

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const bob = active("user.bob", "be1!default", "bob\tlrs\t");

const limits = { count: 10, percent: 20 };
const settings: ApplySettings = { limits, isForced: false, quarantine: undefined };

/** Moves to quarantine as the operations do, in the list only. */
function quarantineIn(list: MemoryMailboxList): ApplySettings {
  const quarantine = async (name: MailboxName) => {
    const entry = list.find(name)!;
    const to = quarantinedNameOf(name, 0x65a1b2c3 * 1000);
    await list.change([{ remove: name }, { insert: { ...entry, name: to } }]);
    return to;
  };
  return { ...settings, quarantine };
}

test("what is only here is announced, what is only there is withdrawn (S163, S165, S168)", async () => {
  const { registry, options } = await worldOf(
    [local(ann), local(bob)],
    [bob, active("user.gone", "be1!default"), active("user.other", "be10!default")],
  );
  const plan = await planReconcile(options);
  expect(describePlan(plan)).toEqual(["Remove from MUPDATE: user.gone", "Force Activate: user.ann"]);
  expect(await applyPlan(plan, options, settings)).toEqual({
    activated: 1,
    removed: 1,
    quarantined: [],
    waiting: 0,
    failures: [],
  });
  expect([...registry.records()]).toEqual([ann, bob, active("user.other", "be10!default")]);
});

test("a reserved, moved or re-permitted mailbox is activated as it is here", async () => {
  const { registry, options } = await worldOf(
    [local(ann), local(bob)],
    [reserved("user.ann", "be1!default"), active("user.bob", "be1!other", "x\tlrs\t")],
  );
  await applyPlan(await planReconcile(options), options, settings);
  expect([...registry.records()]).toEqual([ann, bob]);
});

test("a mailbox that the master has in use elsewhere goes to quarantine and is reported (S164, S167)", async () => {
  const { list, registry, options } = await worldOf([local(ann)], [active("user.ann", "be2!default")]);
  const plan = await planReconcile(options);
  expect(describePlan(plan)).toEqual([
    "Move to quarantine: user.ann is here at be1!default, the master has it at be2!default",
  ]);
  const { quarantined } = await applyPlan(plan, options, quarantineIn(list));
  const to = mailboxName("DELETED.QUARANTINE.user.ann.65A1B2C3");
  expect(quarantined).toEqual([{ name: ann.name, to, master: "be2!default" }]);
  expect(registry.find(ann.name)?.location as string).toBe("be2!default");
  expect([list.find(ann.name), list.find(to)?.acl]).toEqual([undefined, ann.acl]);

  const next = await planReconcile(options);
  expect([next.quarantined, next.activate.map(({ record }) => record.name)]).toEqual([[to], [to]]);
});

test("without a way to quarantine a conflict is a failure, and nothing happens", async () => {
  const { list, options } = await worldOf([local(ann)], [active("user.ann", "be2!default")]);
  const { failures } = await applyPlan(await planReconcile(options), options, settings);
  expect(failures).toEqual([{ name: ann.name, reason: "The master has it at be2!default" }]);
  expect(list.find(ann.name)).toEqual(local(ann));
});

test("a name that is only reserved elsewhere is left to the server that reserved it", async () => {
  const { list, options } = await worldOf([local(ann)], [reserved("user.ann", "be2!default")]);
  const plan = await planReconcile(options);
  expect([plan.quarantine, plan.waiting]).toEqual([
    [],
    [{ name: ann.name, here: "be1!default", master: "be2!default" }],
  ]);
  expect(await applyPlan(plan, options, quarantineIn(list))).toMatchObject({ activated: 0, waiting: 1 });
  expect(list.find(ann.name)).toEqual(local(ann));
});

test("of two servers that refill a master the first has the name, the other one waits (S134)", async () => {
  const { list, registry, options } = await worldOf([local(ann)], []);
  const plan = await planReconcile(options);
  await registry.activate(ann.name, active("x", "be2!default").location, ann.acl);
  expect(await applyPlan(plan, options, quarantineIn(list))).toMatchObject({
    activated: 0,
    waiting: 1,
    quarantined: [],
  });
  expect(registry.find(ann.name)?.location as string).toBe("be2!default");
});

test("a conflict that was settled since the plan moves nothing", async () => {
  const { list, registry, options } = await worldOf([local(ann)], [active("user.ann", "be2!default")]);
  const plan = await planReconcile(options);
  await registry.remove(ann.name);
  expect(await applyPlan(plan, options, quarantineIn(list))).toMatchObject({ quarantined: [], waiting: 1 });
  expect(list.find(ann.name)).toEqual(local(ann));
});

test("a name that another server took since the plan is not withdrawn", async () => {
  const { registry, options } = await worldOf([local(bob)], [bob, ann]);
  const plan = await planReconcile(options);
  await registry.activate(ann.name, active("x", "be2!default").location, ann.acl);
  expect(await applyPlan(plan, options, settings)).toMatchObject({ removed: 0, failures: [] });
  expect(registry.find(ann.name)?.location as string).toBe("be2!default");
});

test("in a replicated murder the same mailbox on another server is no conflict", async () => {
  const { options } = await worldOf([local(ann)], [active("user.ann", "be2!default")]);
  const plan = await planReconcile({ ...options, isReplicated: true });
  expect([plan.quarantine, plan.waiting]).toEqual([[], []]);
});

test("what the master has under a former name of this server is taken over", async () => {
  const { registry, options } = await worldOf(
    [local(ann)],
    [active("user.ann", "old!default"), active("user.x", "old!p")],
  );
  const renamed = { ...options, formerServers: ["old"] };
  await applyPlan(await planReconcile(renamed), renamed, settings);
  expect([...registry.records()]).toEqual([{ ...ann, acl: ann.acl }]);
});

test("-a makes what is here count", async () => {
  const { registry, options } = await worldOf([local(ann)], [active("user.ann", "be2!default")]);
  const authoritative = { ...options, isAuthoritative: true };
  await applyPlan(await planReconcile(authoritative), authoritative, settings);
  expect(registry.find(ann.name)).toEqual(ann);
});

test("nothing to do is an empty plan; mailboxes on their way are left alone", async () => {
  const { options } = await worldOf(
    [local(ann), local(bob, "moving"), local(active("user.new", "be1!default"), "reserved")],
    [ann, reserved("user.bob", "be1!default")],
  );
  expect(describePlan(await planReconcile(options))).toEqual([]);
});

test("a name that an unfinished operation claims is not withdrawn", async () => {
  const { list, options } = await worldOf([], [reserved("user.new", "be1!default")]);
  const uniqueId = "u" as MailboxEntry["uniqueId"];
  const work = { kind: "create", step: "reserve", uniqueId, partition: "default" } as const;
  await list.change([], [{ begin: { name: mailboxName("user.new"), worker: "1", work } }]);
  expect((await planReconcile(options)).remove).toEqual([]);
});

function nameless(count: number, location: string): MailboxRecord[] {
  return Array.from({ length: count }, (_, index) => active(`user.u${index}`, location));
}

test("a plan that would withdraw or move more than the limits is refused unless forced", async () => {
  const { registry, options } = await worldOf([local(ann)], nameless(20, "be1!default"));
  const plan = await planReconcile(options);
  const refused = await applyPlan(plan, options, settings).catch((fault: unknown) => fault);
  expect(refused).toBeInstanceOf(No);
  expect(registry.size).toBe(20);
  await applyPlan(plan, options, { ...settings, isForced: true });
  expect([...registry.records()]).toEqual([ann]);
});

test("quarantine counts like withdrawing", async () => {
  const mine = nameless(20, "be1!default");
  const { list, options } = await worldOf(
    mine.map((record) => local(record)),
    nameless(20, "be2!default"),
  );
  const plan = await planReconcile(options);
  expect(whyImplausible(plan, limits)).toStartWith("Refusing to withdraw 0 of the 0");
  expect(whyImplausible(plan, { count: 20, percent: 0 })).toBeUndefined();
  expect(whyImplausible(plan, { count: 0, percent: 100 })).toBeUndefined();
  await applyPlan(plan, options, quarantineIn(list)).catch(() => {});
  expect(list.find(mine[0]!.name)).toEqual(local(mine[0]!));
});

test("a list that was lost is no reason to withdraw even one mailbox; names that are only reserved go", async () => {
  const { registry, options } = await worldOf([], [ann, reserved("user.bob", "be1!default")]);
  const lost = await planReconcile(options);
  expect(whyImplausible(lost, limits)).toContain("the mailbox list here is empty");
  await registry.remove(ann.name);
  const rest = await planReconcile(options);
  expect(await applyPlan(rest, options, settings)).toMatchObject({ removed: 1 });
  expect(registry.size).toBe(0);
});

test("planAsJson() is plain, and an empty plan knows that it is", async () => {
  const { options } = await worldOf([local(ann)], []);
  const plan = await planReconcile(options);
  expect(planAsJson(plan).activate).toEqual([{ name: ann.name, location: ann.location, acl: ann.acl, why: "missing" }]);
  expect(isEmptyPlan(plan)).toBe(false);
  await applyPlan(plan, options, settings);
  expect(isEmptyPlan(await planReconcile(options))).toBe(true);
});
