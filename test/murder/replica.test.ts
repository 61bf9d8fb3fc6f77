// A replica follows a master: from the first list through streamed changes, losses and silence.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { entryOf } from "../../lib/mupdate/record.ts";
import type { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { active, connectTo, emptyRegistry, mailboxName, reserved, sessionOptions } from "../support/mupdate-world.ts";
import { namesIn, replicaOf, until, whenListed } from "../support/replica-world.ts";

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const bob = active("user.bob", "be2!default", "bob\tlrs\t");

test("a replica loads the master's list and is complete only then (S156, S166)", async () => {
  const { list, replica } = replicaOf(emptyRegistry([ann, bob]));
  expect(list.isComplete).toBe(false);
  await replica.reached("following");
  expect(list.isComplete).toBe(true);
  expect([...list.entries()]).toEqual([entryOf(ann), entryOf(bob)]);
  replica.stop();
});

test("a replica applies changes as the master streams them (S112, S157, S158)", async () => {
  const registry = emptyRegistry([ann]);
  const { list, replica } = replicaOf(registry);
  await replica.reached("following");
  await registry.activate(bob.name, bob.location, bob.acl);
  await whenListed(list, () => list.find(bob.name) !== undefined);
  await registry.deactivate(ann.name, bob.location);
  await whenListed(list, () => list.find(ann.name)?.state === "reserved");
  expect(list.find(ann.name)).toEqual(entryOf(reserved("user.ann", "be2!default")));
  await registry.remove(bob.name);
  await whenListed(list, () => list.find(bob.name) === undefined);
  replica.stop();
});

test("a loaded list replaces, adds and removes, whatever the two sides' orders (1.7 step 4)", async () => {
  const list = new MemoryMailboxList();
  const stale = [active("user.ann", "be9!default"), active("user.gone", "be1!default"), active("user.x-y", "be1!d")];
  await list.change(stale.map((record) => ({ put: entryOf(record) })));
  const records = [ann, bob, active("user.x.y", "be1!d"), active("user.x-y", "be1!d")];
  const { replica } = replicaOf(emptyRegistry(records), { list });
  await replica.reached("following");
  expect(namesIn(list)).toEqual(["user.ann", "user.bob", "user.x-y", "user.x.y"]);
  expect(list.find(ann.name)).toEqual(entryOf(ann));
  replica.stop();
});

test("mailboxes of this machine are never touched (unified servers)", async () => {
  const list = new MemoryMailboxList();
  const own = { ...entryOf(active("user.own", "x!default", "own\tlrs\t")), server: "" };
  await list.change([{ put: own }, { put: { ...own, name: mailboxName("user.own2") } }]);
  const registry = emptyRegistry([ann, active("user.own", "fe.lab!other"), active("user.own2", "be1!default")]);
  const { replica } = replicaOf(registry, { list });
  await replica.reached("following");
  await registry.remove(mailboxName("user.own"));
  await registry.activate(mailboxName("user.new"), active("x", "fe.lab!default").location, ann.acl);
  await replica.settle();
  expect(namesIn(list)).toEqual(["user.ann", "user.own", "user.own2"]);
  expect(list.find(own.name)).toEqual(own);
  replica.stop();
});

test("a kick returns only when what the master accepted before is in the list; kicks share a NOOP", async () => {
  const registry = emptyRegistry([ann]);
  const { list, replica, clients } = replicaOf(registry);
  await replica.reached("following");
  let noops = 0;
  const client = clients[0]!;
  const noop = client.noop.bind(client);
  client.noop = () => {
    noops += 1;
    return noop();
  };
  const written = registry.activate(bob.name, bob.location, bob.acl);
  const kicks = Array.from({ length: 100 }, () => replica.settle());
  expect(await Promise.all(kicks)).toEqual(kicks.map(() => true));
  expect(list.find(bob.name)).toBeDefined();
  expect(noops).toBeLessThanOrEqual(2);
  await written;
  replica.stop();
});

test("while the master is away a kick fails at once, the list stays, and the next connection heals it", async () => {
  const registry = emptyRegistry([ann]);
  let isAway = false;
  const lists = new MemoryMailboxList();
  const clock = new ManualClock();
  const lostListeners: MupdateClient[] = [];
  const asked = Promise.withResolvers<void>();
  const { replica, list } = replicaOf(registry, {
    list: lists,
    clock,
    connect: async (_server, lost) => {
      if (isAway) {
        asked.resolve();
        throw new Error("connection refused");
      }
      const client = await connectTo(sessionOptions(registry), { lost, clock });
      lostListeners.push(client);
      return client;
    },
  });
  await replica.reached("following");
  isAway = true;
  lostListeners[0]!.logout();
  await replica.reached("connecting");
  clock.advance(200);
  await asked.promise;
  expect(await replica.settle()).toBe(false);
  expect(namesIn(list)).toEqual(["user.ann"]);
  expect(list.isComplete).toBe(true);
  await registry.remove(ann.name);
  await registry.activate(bob.name, bob.location, bob.acl);
  isAway = false;
  const following = replica.reached("following");
  await until(clock, () => replica.state === "following");
  await following;
  expect(namesIn(list)).toEqual(["user.bob"]);
  replica.stop();
});

test("of several masters the next one is tried when the first does not answer", async () => {
  const registry = emptyRegistry([ann]);
  const tried: string[] = [];
  const { replica, list } = replicaOf(emptyRegistry(), {
    servers: ["mu1.lab", "mu2.lab"],
    connect: async (server, lost) => {
      tried.push(server);
      if (server === "mu1.lab") throw new Error("connection refused");
      return connectTo(sessionOptions(registry), { lost });
    },
  });
  await replica.reached("following");
  expect(tried).toEqual(["mu1.lab", "mu2.lab"]);
  expect(namesIn(list)).toEqual(["user.ann"]);
  replica.stop();
});

test("a master that stays away is a line in the log, not one for each attempt", async () => {
  const logged: unknown[] = [];
  let attempts = 0;
  const { replica, clock } = replicaOf(emptyRegistry(), {
    log: { ...silentLog, warning: (event, fields) => void logged.push([event, fields?.reason]) },
    connect: async () => {
      attempts += 1;
      throw new Error(attempts < 6 ? "connection refused" : "no route to host");
    },
  });
  await until(clock, () => attempts === 8);
  expect(logged).toEqual([
    ["mupdate master unavailable", "connection refused"],
    ["mupdate master unavailable", "no route to host"],
  ]);
  replica.stop();
});

test("a master that has gone silent is noticed by an unanswered NOOP", async () => {
  const registry = emptyRegistry([ann]);
  const { replica, clock } = replicaOf(registry);
  await replica.reached("following");
  const left = replica.reached("connecting");
  freeze(registry);
  clock.advance(3000); // silence: a NOOP goes out
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(6000); // no answer
  await left;
  expect(await replica.settle()).toBe(false);
  replica.stop();
});

test("a replica stops at once, also while a master lets it wait", async () => {
  const { replica, running } = replicaOf(emptyRegistry(), { connect: () => new Promise(() => {}) });
  replica.stop();
  await running;
  expect(replica.state).toBe("stopped");
});

/** From now on the master accepts everything and answers no barrier. */
function freeze(registry: MasterRegistry): void {
  registry.barrier = () => new Promise(() => {});
}
