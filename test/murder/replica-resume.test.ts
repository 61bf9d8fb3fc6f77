// A replica remembers its place in the master's feed: what it fetches again, what only in part, and from whom.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { ManualClock } from "../../lib/base/clock.ts";
import { createLog } from "../../lib/base/log.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { logIn } from "../../lib/mupdate/login.ts";
import { entryOf, recordOf } from "../../lib/mupdate/record.ts";
import type { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { MirrorRegistry } from "../../lib/mupdate/registry-mirror.ts";
import { MupdateService } from "../../lib/mupdate/service.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import {
  active,
  clientOptions,
  connectTo,
  emptyRegistry,
  mailboxName,
  sessionOptions,
} from "../support/mupdate-world.ts";
import { namesIn, type ReplicaWorld, replicaOf, until } from "../support/replica-world.ts";

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const bob = active("user.bob", "be2!default", "bob\tlrs\t");
const carl = active("user.carl", "be2!default", "carl\tlrs\t");

/** How the list came, each time: "loaded" or "resumed", with the server. */
function recordLoads() {
  const loads: string[] = [];
  const log = createLog({
    level: "notice",
    format: "json",
    sink: (_level, line) => {
      const { event, server } = JSON.parse(line);
      const [, how] = /^mailbox list (loaded|resumed)$/.exec(event) ?? [];
      if (how) loads.push(`${how} from ${server}`);
    },
    now: () => 0,
  });
  return { loads, log };
}

/** Cuts the connection, and waits until the replica follows again. */
async function cut({ clock, replica, clients }: ReplicaWorld): Promise<void> {
  const before = clients.length;
  clients.at(-1)!.logout();
  await until(clock, () => clients.length > before && replica.state === "following");
}

/** The master's list as a replica keeps it. */
function entriesOf(registry: MasterRegistry) {
  return Array.from(registry.records(), entryOf).sort((one, other) => (one.name < other.name ? -1 : 1));
}

test("after a lost connection a replica fetches only what it missed", async () => {
  const registry = emptyRegistry([ann, bob]);
  const { loads, log } = recordLoads();
  const world = replicaOf(registry, { log });
  await world.replica.reached("following");
  world.clients[0]!.logout();
  await world.replica.reached("connecting");
  await registry.remove(bob.name);
  await registry.activate(carl.name, carl.location, carl.acl);
  await until(world.clock, () => world.replica.state === "following");
  expect(loads).toEqual(["loaded from mu.lab", "resumed from mu.lab"]);
  expect(namesIn(world.list)).toEqual(["user.ann", "user.carl"]);
  expect(world.list.followed).toEqual({ ...registry.position, ownServer: "fe.lab" });
  world.replica.stop();
});

test("to resume neither side walks through its list", async () => {
  const registry = emptyRegistry([ann, bob]);
  const world = replicaOf(registry);
  await world.replica.reached("following");
  const refuse = () => {
    throw new Error("walked through everything");
  };
  Object.assign(registry, { records: refuse });
  Object.assign(world.list, { entries: refuse });
  await cut(world);
  await registry.activate(carl.name, carl.location, carl.acl);
  expect(await world.replica.settle()).toBe(true);
  expect(world.list.find(carl.name)).toEqual(entryOf(carl));
  world.replica.stop();
});

test("a replica that is started anew goes on from the place in its list", async () => {
  const registry = emptyRegistry([ann]);
  const list = new MemoryMailboxList();
  const first = replicaOf(registry, { list });
  await first.replica.reached("following");
  first.replica.stop();
  await first.running;
  await registry.activate(bob.name, bob.location, bob.acl);
  const { loads, log } = recordLoads();
  const second = replicaOf(registry, { list, log });
  await second.replica.reached("following");
  expect(loads).toEqual(["resumed from mu.lab"]);
  expect(namesIn(list)).toEqual(["user.ann", "user.bob"]);
  second.replica.stop();
});

/** What makes a place worthless, and what a replica that has one does then: fetch all. */
const worthless: readonly [string, (list: MailboxList) => Promise<unknown>, { readonly ownServer?: string }][] = [
  ["another process changed entries of other servers", (list) => list.change([{ put: entryOf(carl) }]), {}],
  ["the list is not complete", (list) => list.setComplete(false), {}],
  ["this server had another name", async () => {}, { ownServer: "fe2.lab" }],
  [
    "it is of another feed",
    (list) => list.change([], [], { set: { feed: "another", sequence: 0, ownServer: "fe.lab" } }),
    {},
  ],
];

test.each(worthless)("a place is not gone on from when %s", async (_why, spoil, options) => {
  const registry = emptyRegistry([ann, bob]);
  const list = new MemoryMailboxList();
  const first = replicaOf(registry, { list });
  await first.replica.reached("following");
  first.replica.stop();
  await first.running;
  await spoil(list);
  const { loads, log } = recordLoads();
  const second = replicaOf(registry, { list, log, ...options });
  await second.replica.reached("following");
  expect(loads).toEqual(["loaded from mu.lab"]);
  expect([...list.entries()]).toEqual(entriesOf(registry));
  second.replica.stop();
});

test("a master whose list was lost under the same address is not taken for the old one", async () => {
  let registry = emptyRegistry([ann, bob]);
  const { loads, log } = recordLoads();
  const world = replicaOf(() => registry, { log });
  await world.replica.reached("following");
  registry = emptyRegistry();
  // As many changes as the replica has seen, and more: its number alone would fit.
  for (const name of ["user.x", "user.y", "user.z"]) await registry.reserve(mailboxName(name), ann.location);
  await cut(world);
  expect(loads).toEqual(["loaded from mu.lab", "loaded from mu.lab"]);
  expect(namesIn(world.list)).toEqual(["user.x", "user.y", "user.z"]);
  world.replica.stop();
});

test("a master without a feed is asked for UPDATE, and leaves no place", async () => {
  const registry = emptyRegistry([ann]);
  const clock = new ManualClock();
  const { loads, log } = recordLoads();
  const clients: ReplicaWorld["clients"] = [];
  const world = replicaOf(registry, {
    log,
    clock,
    async connect(_server, lost) {
      const client = await connectTo(sessionOptions(registry), { lost, clock, deadlineMs: 20_000 });
      Object.defineProperty(client, "banner", { value: { ...client.banner, feed: undefined } });
      const refuse = async () => Promise.reject(new Error("not with such a server"));
      clients.push(Object.assign(client, { resume: refuse, report: refuse }));
      return client;
    },
  });
  await world.replica.reached("following");
  await registry.activate(bob.name, bob.location, bob.acl);
  expect(await world.replica.settle()).toBe(true);
  expect(namesIn(world.list)).toEqual(["user.ann", "user.bob"]);
  expect(world.list.followed).toBeUndefined();
  await cut({ ...world, clients });
  expect(loads).toEqual(["loaded from mu.lab", "loaded from mu.lab"]);
  world.replica.stop();
});

test("while an own mailbox stands where the master knows another, the list has no place", async () => {
  const list = new MemoryMailboxList();
  const own = { ...entryOf(ann), server: "" };
  await list.change([{ put: own }]);
  const registry = emptyRegistry([bob]);
  const world = replicaOf(registry, { list });
  await world.replica.reached("following");
  expect(list.followed).toBeDefined();
  await registry.activate(ann.name, bob.location, ann.acl);
  await world.replica.settle();
  expect(list.followed).toBeUndefined();
  await list.change([{ remove: ann.name }]); // taken away here: the master's word counts now
  await cut(world);
  expect(list.find(ann.name)?.server).toBe("be2");
  expect(list.followed).toBeDefined();
  world.replica.stop();
});

test("whatever changes and whenever the connection is lost, the list ends equal to the master's", async () => {
  const names = Array.from({ length: 12 }, (_, index) => mailboxName(`user.u${index}`));
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom("activate", "remove", "reserve") as fc.Arbitrary<string>, at: fc.nat(11) }),
    fc.record({ kind: fc.constantFrom("cut", "settle"), at: fc.nat(3) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const registry = emptyRegistry([ann]);
      const world = replicaOf(registry);
      const writes: Promise<unknown>[] = [];
      for (const { kind, at } of steps) {
        const name = names[at]!;
        if (kind === "activate") writes.push(registry.activate(name, at % 2 ? ann.location : bob.location, ann.acl));
        else if (kind === "reserve") writes.push(registry.reserve(name, ann.location).catch(() => {}));
        else if (kind === "remove") writes.push(registry.remove(name).catch(() => {}));
        else if (kind === "cut") world.clients.at(-1)?.logout();
        else await new Promise((resolve) => setImmediate(resolve));
        if (kind === "cut") world.clock.advance(at * 50);
      }
      await Promise.all(writes);
      await until(world.clock, () => world.replica.state === "following");
      while (!(await world.replica.settle())) await until(world.clock, () => world.replica.state === "following");
      expect([...world.list.entries()]).toEqual(entriesOf(registry));
      world.replica.stop();
    }),
    { numRuns: 60 },
  );
});

test("who follows the second server goes back to the first when it answers again", async () => {
  const [preferred, second] = [emptyRegistry([ann]), emptyRegistry([bob])];
  let isBack = false;
  const clock = new ManualClock();
  const { loads, log } = recordLoads();
  const { replica, list } = replicaOf(preferred, {
    servers: ["mu1.lab", "mu2.lab"],
    log,
    clock,
    async connect(server, lost) {
      if (server === "mu1.lab" && !isBack) throw new Error("connection refused");
      return connectTo(sessionOptions(server === "mu1.lab" ? preferred : second), { lost, clock, deadlineMs: 60_000 });
    },
  });
  await replica.reached("following");
  expect(namesIn(list)).toEqual(["user.bob"]);
  await until(clock, () => clock.monotonic() > 130_000); // asked twice, in vain
  expect(loads).toEqual(["loaded from mu2.lab"]);
  isBack = true;
  await until(clock, () => loads.length === 2);
  expect(loads[1]).toBe("loaded from mu1.lab");
  expect(namesIn(list)).toEqual(["user.ann"]);
  replica.stop();
});

test("a replica of a replica resumes too, in the first one's own feed", async () => {
  const registry = emptyRegistry([ann]);
  const first = replicaOf(registry);
  await first.replica.reached("following");
  const mirror = new MirrorRegistry({
    list: first.list,
    feed: await first.list.beginFeed(),
    ownServer: "fe.lab",
    settle: () => first.replica.settle(),
  });
  const { loads, log } = recordLoads();
  const second = replicaOf(mirror, { ownServer: "fe2.lab", log });
  await second.replica.reached("following");
  await cut(first);
  await registry.activate(bob.name, bob.location, bob.acl);
  expect(await second.replica.settle()).toBe(true);
  expect(namesIn(second.list)).toEqual(["user.ann", "user.bob"]);
  second.clients[0]!.logout();
  await second.replica.reached("connecting");
  await registry.remove(ann.name);
  await first.replica.settle();
  await until(second.clock, () => second.replica.state === "following");
  expect(loads).toEqual(["loaded from mu.lab", "resumed from mu.lab"]);
  expect(namesIn(second.list)).toEqual(["user.bob"]);
  expect(second.list.followed?.feed).toBe(mirror.position.feed);
  expect(Array.from(second.list.entries(), (entry) => recordOf(entry, ""))).toEqual([bob]);
  first.replica.stop();
  second.replica.stop();
});

test("the master's status shows how far a replica is", async () => {
  const registry = emptyRegistry([ann]);
  const clock = new ManualClock();
  const { status: _, ...session } = sessionOptions(registry, { clock });
  const service = new MupdateService({ session, maxConnections: 10, isReady: () => true });
  const connect = (lost?: (reason: string) => void) => {
    const [server, client] = connectionPair();
    service.accept(server, () => {});
    return logIn(client, { ...clientOptions, clock, ...(lost && { lost }) });
  };
  const { replica } = replicaOf(registry, { clock, connect: (_server, lost) => connect(lost) });
  await replica.reached("following");
  await Promise.all([
    registry.activate(bob.name, bob.location, bob.acl),
    registry.activate(carl.name, carl.location, carl.acl),
  ]);
  const { sequence } = registry.position;
  await until(clock, () => service.status().peers[0]?.report?.sequence === sequence);
  expect(service.status().peers[0]).toMatchObject({
    kind: "replica",
    name: "fe.lab",
    report: { sequence, entries: 3 },
    lagEntries: 0,
    lagMs: 0,
    queued: 0,
  });
  expect(replica.status).toMatchObject({
    server: "mu.lab",
    state: "following",
    ...registry.position,
    isComplete: true,
  });
  replica.stop();
});
