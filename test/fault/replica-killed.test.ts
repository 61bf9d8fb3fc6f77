// A replica process or its master is killed at any moment while the master's list changes: afterwards the replica has what
// the master has, and has fetched only what it missed.

import { expect, test } from "bun:test";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { entryOf } from "../../lib/mupdate/record.ts";
import { active, mailboxName } from "../support/mupdate-world.ts";
import type { TestProcess } from "../support/process.ts";
import { killed, MupdateNodes } from "./support/mupdate-nodes.ts";

const changes = 5000;
const names = 1500;
const inFlight = 50;
const kills = 6;

const acls = ["anyone\tlrs\t", "ann\tlrswipkxtecda\t", "bob\tlr\tanyone\tp\t"];

/** The change numbered `index`: names come, move, change their ACL and go. */
async function change(master: MupdateClient, index: number): Promise<void> {
  const name = mailboxName(`user.u${(index * 7919) % names}`);
  const { location, acl } = active("x", `be${index % 3}!default`, acls[index % acls.length]);
  if (index % 5 === 4) await master.remove(name);
  else if (index % 11 === 10)
    await master.reserve(name, location).catch(() => {}); // taken elsewhere
  else await master.activate(name, location, acl);
}

function randomMoments(count: number, below: number): ReadonlySet<number> {
  return new Set(Array.from({ length: count }, () => Math.floor(Math.random() * below)));
}

test("a replica killed at random moments of 5,000 changes ends equal to its master, by resuming", async () => {
  await using nodes = new MupdateNodes();
  await nodes.startMaster("master");
  const master = await nodes.client("master");
  for (let index = 0; index < names; index += 1) {
    const { name, location, acl } = active(`user.u${index}`, "be1!default", "anyone\tlrs\t");
    if (index % 3 === 0) void master.activate(name, location, acl);
  }
  await master.noop();
  let replica: TestProcess = nodes.startReplica("replica", ["master"]);
  await replica.logged("mailbox list loaded");
  const moments = randomMoments(kills, changes);
  let restarting = Promise.resolve();
  const restart = async () => {
    await killed(replica);
    replica = nodes.startReplica("replica", ["master"]);
  };
  let next = 0;
  const work = async () => {
    while (next < changes) {
      const index = next;
      next += 1;
      await change(master, index);
      if (moments.has(index)) restarting = restarting.then(restart);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  await restarting;
  const came = await replica.logged("mailbox list ");
  await nodes.settled("replica");
  const told = `killed after ${[...moments].join(", ")}`;
  expect(nodes.entriesOf("replica"), told).toEqual(nodes.entriesOf("master"));
  expect(came, told).toContain("mailbox list resumed");
  master.logout();
}, 60_000);

test("a replica of a master killed at random moments of 2,000 changes ends equal to it, by resuming", async () => {
  await using nodes = new MupdateNodes();
  let master = await nodes.startMaster("master");
  let client = await nodes.client("master");
  const replica = nodes.startReplica("replica", ["master"]);
  await replica.logged("mailbox list loaded");
  const moments = randomMoments(4, 2000);
  let restarting = Promise.resolve();
  const restart = async () => {
    await killed(master);
    master = await nodes.startMaster("master");
    client = await nodes.client("master");
  };
  let next = 0;
  const work = async () => {
    while (next < 2000) {
      const index = next;
      next += 1;
      if (moments.has(index)) restarting = restarting.then(restart);
      await change(client, index).catch(() => {}); // nobody knows what became of it
      if (!client.isOpen) await restarting;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  await restarting;
  await nodes.settled("replica");
  const told = `killed after ${[...moments].join(", ")}`;
  expect(nodes.entriesOf("replica"), told).toEqual(nodes.entriesOf("master"));
  const ways = replica.lines.flatMap((line) => /mailbox list (loaded|resumed)/.exec(line)?.[1] ?? []);
  expect(ways.slice(0, 2), told).toEqual(["loaded", "resumed"]);
  expect(ways.lastIndexOf("loaded"), told).toBe(0);
  client.logout();
}, 60_000);

test("a replica killed while its first list comes says nothing of it, and fetches it whole the next time", async () => {
  await using nodes = new MupdateNodes();
  {
    using list = nodes.open("master");
    for (let at = 0; at < 20_000; at += 2000) {
      const entries = Array.from({ length: 2000 }, (_, index) => active(`user.u${at + index}`, "be1!default", acls[0]));
      await list.change(entries.map((record) => ({ put: entryOf(record) })));
    }
  }
  await nodes.startMaster("master");
  using copy = nodes.open("replica");
  const begun = new Promise<void>((resolve) => {
    const stop = copy.watch(() => {
      stop();
      resolve();
    });
  });
  const replica = nodes.startReplica("replica", ["master"]);
  await begun;
  await killed(replica);
  const hasPlace = copy.followed !== undefined; // a fast disk may have it all by now
  if (hasPlace) expect(copy.isComplete).toBe(true);
  const again = nodes.startReplica("replica", ["master"]);
  expect(await again.logged("mailbox list ")).toContain(`mailbox list ${hasPlace ? "resumed" : "loaded"}`);
  await nodes.settled("replica");
  expect(nodes.entriesOf("replica")).toEqual(nodes.entriesOf("master"));
}, 60_000);
