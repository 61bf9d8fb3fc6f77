// A mailbox whose name another server has goes out of the way, whatever is interrupted.

import { expect, test } from "bun:test";
import { emptyAcl } from "../../lib/mailbox/acl.ts";
import type { Location } from "../../lib/mailbox/list.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { admin, BackendWorld } from "../support/backend-world.ts";
import { FakeMaster } from "../support/fake-master.ts";

const here = name("user.ann");
const away = name("DELETED.QUARANTINE.user.ann.6553F100");
const elsewhere = { state: "active", location: "be2!default" as Location, acl: emptyAcl } as const;

/** user.ann is here, and the master has it on be2. */
async function conflict() {
  const master = new FakeMaster();
  const world = new BackendWorld(master);
  await world.make(["user.ann"]);
  master.names.set(here, elsewhere);
  return { master, world, entry: world.list.find(here)! };
}

test("it has another name here and at the master, the old one stays the other server's (S134, S164)", async () => {
  const { master, world, entry } = await conflict();
  expect(await world.operations.quarantine(here, "be2 has it")).toBe(away);
  expect([world.list.find(here), world.list.find(away)]).toEqual([undefined, { ...entry, name: away }]);
  expect([master.names.get(here), master.locationOf(away) as string]).toEqual([elsewhere, "be1!default"]);
  expect(world.list.journal()).toEqual([]);
});

test("an administrator gives it a name again", async () => {
  const { world, entry } = await conflict();
  await world.operations.quarantine(here, "be2 has it");
  await world.operations.rename(admin, away, name("user.ann2"));
  expect(world.list.find(name("user.ann2"))?.uniqueId).toBe(entry.uniqueId);
});

test("a name that another server quarantined in the same second is dated later", async () => {
  const { master, world } = await conflict();
  master.names.set(away, { ...elsewhere, location: "be3!default" as Location });
  expect(await world.operations.quarantine(here, "be2 has it")).toBe(name("DELETED.QUARANTINE.user.ann.6553F101"));
});

test("whatever step it dies at, the mailbox is whole, in one place, and the other server's name untouched", async () => {
  const steps: string[] = [];
  const { world: first } = await conflict();
  first.start((step) => void steps.push(step));
  await first.operations.quarantine(here, "be2 has it");
  expect(steps).toContain("rename:commit");
  for (const fatal of steps) {
    const { master, world, entry } = await conflict();
    const died = Promise.withResolvers<never>();
    world.start((step) => {
      if (step !== fatal) return;
      died.reject(new Error("killed"));
      return new Promise(() => {}); // nothing after it happens
    });
    const quarantined = world.operations.quarantine(here, "be2 has it");
    await Promise.race([quarantined, died.promise]).catch(() => {});
    world.start();
    await world.operations.recover();
    const entries = [...world.list.entries()].filter(({ uniqueId }) => uniqueId === entry.uniqueId);
    expect([fatal, entries.length, master.names.get(here)]).toEqual([fatal, 1, elsewhere]);
    expect([fatal, world.list.journal()]).toEqual([fatal, []]);
    expect(world.store.exists(entry.uniqueId, entry.partition)).toBe(true);
    const isMoved = entries[0]!.name === away;
    expect([fatal, master.names.has(away)]).toEqual([fatal, isMoved]);
  }
});
