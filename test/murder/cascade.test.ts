// Replicas of replicas: what the master accepts reaches the last of a chain, a kick there asks all the way up, and none says
// more than it knows.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { MirrorRegistry } from "../../lib/mupdate/registry-mirror.ts";
import { active, emptyRegistry } from "../support/mupdate-world.ts";
import { namesIn, type ReplicaWorld, replicaOf, until } from "../support/replica-world.ts";

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const bob = active("user.bob", "be2!default", "bob\tlrs\t");

async function mirrorOf({ list, replica }: ReplicaWorld, name: string): Promise<MirrorRegistry> {
  return new MirrorRegistry({
    list,
    feed: await list.beginFeed(),
    ownServer: name,
    settle: () => replica.settle(),
  });
}

/** A chain of three below `registry`, each following the one before. */
async function chainOf(registry: Parameters<typeof replicaOf>[0]) {
  const clock = new ManualClock();
  const first = replicaOf(registry, { clock, ownServer: "fe1.lab" });
  await first.replica.reached("following");
  const second = replicaOf(await mirrorOf(first, "fe1.lab"), { clock, ownServer: "fe2.lab" });
  await second.replica.reached("following");
  const third = replicaOf(await mirrorOf(second, "fe2.lab"), { clock, ownServer: "fe3.lab" });
  await third.replica.reached("following");
  const stop = () => {
    for (const { replica } of [third, second, first]) replica.stop();
  };
  return { clock, first, second, third, stop };
}

test("a kick at the end of a chain of three brings everything that the master had accepted", async () => {
  const registry = emptyRegistry([ann]);
  const { third, stop } = await chainOf(registry);
  expect(namesIn(third.list)).toEqual(["user.ann"]);
  const written = registry.activate(bob.name, bob.location, bob.acl);
  expect(await third.replica.settle()).toBe(true);
  expect(namesIn(third.list)).toEqual(["user.ann", "user.bob"]);
  await written;
  await registry.remove(ann.name);
  expect(await Promise.all(Array.from({ length: 50 }, () => third.replica.settle()))).not.toContain(false);
  expect(namesIn(third.list)).toEqual(["user.bob"]);
  stop();
});

test("while the first has lost the master a kick fails at the end of the chain too, and no connection is given up", async () => {
  const registry = emptyRegistry([ann]);
  let isUp = true;
  const { clock, first, second, third, stop } = await chainOf(() => {
    if (!isUp) throw new Error("connection refused");
    return registry;
  });
  isUp = false;
  first.clients[0]!.logout();
  await first.replica.reached("connecting");
  expect(await third.replica.settle()).toBe(false);
  expect(namesIn(third.list)).toEqual(["user.ann"]);
  // Several heartbeats long.
  for (let step = 0; step < 200; step += 1) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([second.clients.length, third.clients.length]).toEqual([1, 1]);
  await registry.activate(bob.name, bob.location, bob.acl);
  isUp = true;
  await until(clock, () => first.replica.state === "following");
  expect(await third.replica.settle()).toBe(true);
  expect(namesIn(third.list)).toEqual(["user.ann", "user.bob"]);
  stop();
});
