// What differs between the lists of a murder.

import { expect, test } from "bun:test";
import type { MailboxRecord } from "../../lib/mupdate/record.ts";
import { compareLists, type ListView } from "../../lib/murder/compare-lists.ts";
import { active, reserved } from "../support/mupdate-world.ts";

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const bob = active("user.bob", "be2!default", "bob\tlrs\t");

function replica(...records: MailboxRecord[]): ListView {
  return { source: "fe1", kind: "replica", records };
}

function backend(server: string, ...records: MailboxRecord[]): ListView {
  return { source: server, kind: "backend", server, records };
}

async function differences(master: readonly MailboxRecord[], ...views: ListView[]): Promise<string[]> {
  return (await compareLists(master, views)).map(({ kind, source, text }) => `${kind} ${source} ${text}`);
}

test("equal lists differ in nothing", async () => {
  expect(await differences([ann, bob], replica(bob, ann), backend("be1", ann), backend("be2", bob))).toEqual([]);
});

test("a replica misses names, has stale ones, or has them otherwise", async () => {
  const other = active("user.ann", "be1!default", "ann\tlr\t");
  expect(await differences([ann, bob], replica(other, active("user.x", "be1!p")))).toEqual([
    "different fe1 user.ann: fe1 has it at be1!default, the master at be1!default, and not the same",
    "missing fe1 user.bob: the master has it at be2!default, fe1 does not have it",
    "stale fe1 user.x: fe1 has it at be1!p, the master does not have it",
  ]);
});

test("a backend has what the master does not know, lacks what the master has there, or has another server's", async () => {
  expect(
    await differences([ann, bob, reserved("user.new", "be1!default")], backend("be1", bob, active("user.x", "be1!p"))),
  ).toEqual([
    "stale be1 user.ann: the master has it at be1!default, and it is not on be1",
    "conflicting be1 user.bob: it is on be1, the master has it at be2!default",
    "stale be1 user.new: the master has it reserved at be1!default, and it is not on be1",
    "missing be1 user.x: it is on be1, the master does not know it",
  ]);
});

test("a name on two backends that the master does not know is a conflict for the second", async () => {
  const there = { ...ann, location: bob.location };
  expect(await differences([], backend("be1", ann), backend("be2", there))).toEqual([
    "missing be1 user.ann: it is on be1, the master does not know it",
    "conflicting be2 user.ann: it is on be2, the master has it nowhere",
  ]);
});

test("where only names are known, ACL and partition are not compared", async () => {
  const view = { ...backend("be1", active("user.ann", "be1!")), hasNamesOnly: true };
  expect(await differences([ann], view)).toEqual([]);
});
