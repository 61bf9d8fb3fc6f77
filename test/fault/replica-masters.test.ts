// Masters that stand still, are replaced, or come back with an old list, and a replica process that follows them.

import { expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { active } from "../support/mupdate-world.ts";
import { killed, MupdateNodes } from "./support/mupdate-nodes.ts";

async function activate(client: MupdateClient, ...names: readonly string[]): Promise<void> {
  for (const each of names) {
    const { name, location, acl } = active(each, "be1!default", "anyone\tlrs\t");
    await client.activate(name, location, acl);
  }
}

async function activateAt(nodes: MupdateNodes, master: string, ...names: readonly string[]): Promise<void> {
  const client = await nodes.client(master);
  await activate(client, ...names);
  client.logout();
}

const namesOf = (nodes: MupdateNodes, node: string) => nodes.entriesOf(node).map(({ name }) => name as string);

/** The replica may just be between two masters: until it shows what the one it ends at has. */
async function settledUntil(nodes: MupdateNodes, isSo: (names: readonly string[]) => boolean): Promise<void> {
  do await nodes.settled("replica");
  while (!isSo(namesOf(nodes, "replica")));
}

test("a master that stands still is left for the next one, and gone back to when it goes on", async () => {
  await using nodes = new MupdateNodes();
  const first = await nodes.startMaster("one");
  await nodes.startMaster("two");
  await activateAt(nodes, "one", "user.a");
  await activateAt(nodes, "two", "user.a", "user.b");
  const replica = nodes.startReplica("replica", ["one", "two"]);
  expect(await replica.logged("mailbox list loaded")).toContain("one.sock");
  first.kill("SIGSTOP");
  await replica.logged("mupdate master lost");
  await replica.logged("two.sock");
  await settledUntil(nodes, (names) => names.includes("user.b"));
  first.kill("SIGCONT");
  await replica.logged("a preferred mupdate master answers again");
  await activateAt(nodes, "one", "user.c");
  await settledUntil(nodes, (names) => names.includes("user.c"));
  expect(namesOf(nodes, "replica")).toEqual(["user.a", "user.c"]);
}, 90_000);

/** What becomes of the master's database while it is down, and what is activated afterwards. */
const replacements = {
  "with an empty list": (path: string) => removeDatabase(path),
  "with a list put back from a copy": (path: string) => {
    removeDatabase(path);
    copyFileSync(`${path}.copy`, path);
  },
} as const;

function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
}

test.each(Object.entries(replacements))(
  "a master that returns %s is not taken for the one it was",
  async (_, replace) => {
    await using nodes = new MupdateNodes();
    const path = nodes.databaseOf("master");
    let master = await nodes.startMaster("master");
    await activateAt(nodes, "master", "user.a");
    master.kill("SIGTERM");
    await master.exited; // a clean end folds everything into the one file
    copyFileSync(path, `${path}.copy`);
    master = await nodes.startMaster("master");
    const replica = nodes.startReplica("replica", ["master"]);
    await replica.logged("mailbox list loaded");
    await activateAt(nodes, "master", "user.b", "user.c");
    await nodes.settled("replica");
    await killed(master);
    replace(path);
    await nodes.startMaster("master");
    // More changes than were lost: the replica's number would fit again.
    await activateAt(nodes, "master", "user.x", "user.y", "user.z", "user.zz");
    await nodes.settled("replica");
    expect(namesOf(nodes, "replica")).toEqual(namesOf(nodes, "master"));
    expect(namesOf(nodes, "replica")).not.toContain("user.b");
    expect(replica.lines.filter((line) => line.includes("mailbox list resumed"))).toEqual([]);
  },
  60_000,
);

test("a replica that is started anew after the master's kill -9 still resumes", async () => {
  await using nodes = new MupdateNodes();
  const master = await nodes.startMaster("master");
  await activateAt(nodes, "master", "user.a", "user.b");
  const replica = nodes.startReplica("replica", ["master"]);
  await replica.logged("mailbox list loaded");
  await killed(replica);
  await activateAt(nodes, "master", "user.c");
  await killed(master);
  await nodes.startMaster("master");
  await activateAt(nodes, "master", "user.d");
  const again = nodes.startReplica("replica", ["master"]);
  expect(await again.logged("mailbox list ")).toContain("mailbox list resumed");
  await nodes.settled("replica");
  expect(namesOf(nodes, "replica")).toEqual(["user.a", "user.b", "user.c", "user.d"]);
}, 60_000);
