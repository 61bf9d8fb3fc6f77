// A backend makes the master agree with it.

import { expect, test } from "bun:test";
import { No } from "../../lib/base/fault.ts";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { entryOf, type MailboxRecord } from "../../lib/mupdate/record.ts";
import { applyPlan, describePlan, planReconcile, type ReconcileOptions } from "../../lib/murder/reconcile.ts";
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

test("what is only here is announced, what is only there is withdrawn (S163, S165, S168)", async () => {
  const { registry, options } = await worldOf(
    [local(ann), local(bob)],
    [bob, active("user.gone", "be1!default"), active("user.other", "be10!default")],
  );
  const plan = await planReconcile(options);
  expect(describePlan(plan)).toEqual(["Remove from MUPDATE: user.gone", "Force Activate: user.ann"]);
  expect(await applyPlan(plan, options, false)).toEqual({ activated: 1, removed: 1, failures: [] });
  expect([...registry.records()]).toEqual([ann, bob, active("user.other", "be10!default")]);
});

test("a reserved, moved or re-permitted mailbox is activated as it is here", async () => {
  const { registry, options } = await worldOf(
    [local(ann), local(bob)],
    [reserved("user.ann", "be1!default"), active("user.bob", "be1!other", "x\tlrs\t")],
  );
  await applyPlan(await planReconcile(options), options, false);
  expect([...registry.records()]).toEqual([ann, bob]);
});

test("a mailbox that the master has elsewhere is reported and left alone (S164, S167)", async () => {
  const { list, registry, options } = await worldOf([local(ann)], [active("user.ann", "be2!default")]);
  const plan = await planReconcile(options);
  expect(plan.conflicts).toEqual([{ name: ann.name, here: "be1!default" as never, master: "be2!default" as never }]);
  await applyPlan(plan, options, false);
  expect(registry.find(ann.name)?.location as string).toBe("be2!default");
  expect(list.find(ann.name)).toEqual(local(ann));
});

test("-a makes what is here count", async () => {
  const { registry, options } = await worldOf([local(ann)], [active("user.ann", "be2!default")]);
  const authoritative = { ...options, isAuthoritative: true };
  await applyPlan(await planReconcile(authoritative), authoritative, false);
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

test("a plan that would remove most of what the master has is refused unless forced", async () => {
  const records = Array.from({ length: 20 }, (_, index) => active(`user.u${index}`, "be1!default"));
  const { registry, options } = await worldOf([local(ann)], records);
  const plan = await planReconcile(options);
  const refused = await applyPlan(plan, options, false).catch((fault: unknown) => fault);
  expect(refused).toBeInstanceOf(No);
  expect(registry.size).toBe(20);
  await applyPlan(plan, options, true);
  expect([...registry.records()]).toEqual([ann]);
});
