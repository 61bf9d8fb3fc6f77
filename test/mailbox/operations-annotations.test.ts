// Annotations go with the mailboxes and users that they belong to, also when an operation is interrupted.

import { expect, test } from "bun:test";
import { parseRightsChange } from "../../lib/mailbox/acl.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { admin, ann, BackendWorld } from "../support/backend-world.ts";

async function annotated(...names: readonly string[]): Promise<BackendWorld> {
  const world = new BackendWorld();
  await world.make(names);
  for (const each of names) {
    await world.annotations.change(world.uniqueIdOf(each)!, [
      { owner: "", entry: "/comment", value: each },
      { owner: "ann", entry: "/comment", value: "hers" },
    ]);
  }
  return world;
}

function valuesOf(world: BackendWorld, mailbox: string, owner = ""): string[] {
  return world.annotations.list(world.uniqueIdOf(mailbox)!, owner).map(({ value }) => value);
}

test("RENAME keeps the annotations of all mailboxes", async () => {
  const world = await annotated("user.ann", "user.ann.a", "user.ann.a.b");
  await world.operations.rename(ann, name("user.ann.a"), name("user.ann.c"));
  expect(valuesOf(world, "user.ann.c")).toEqual(["user.ann.a"]);
  expect(valuesOf(world, "user.ann.c.b")).toEqual(["user.ann.a.b"]);
});

test("a user who is renamed keeps what is his", async () => {
  const world = await annotated("user.ann", "shared");
  await world.operations.rename(admin, name("user.ann"), name("user.anna"));
  expect([valuesOf(world, "user.anna", "anna"), valuesOf(world, "shared", "anna")]).toEqual([["hers"], ["hers"]]);
  expect(valuesOf(world, "shared", "ann")).toEqual([]);
});

test("DELETE takes a mailbox's annotations along, that of an INBOX what is the user's", async () => {
  const world = await annotated("user.ann", "user.ann.a", "shared");
  const id = world.uniqueIdOf("user.ann.a")!;
  await world.operations.remove(ann, name("user.ann.a"));
  expect([...world.annotations.list(id, ""), ...world.annotations.list(id, "ann")]).toEqual([]);
  await world.operations.setAcl(admin, name("user.ann"), "cyrus", parseRightsChange("x"));
  await world.operations.remove(admin, name("user.ann"));
  expect([valuesOf(world, "shared"), valuesOf(world, "shared", "ann")]).toEqual([["shared"], []]);
});

test("a DELETE that is finished at the next start takes them along, too", async () => {
  const world = await annotated("user.ann", "user.ann.a");
  const id = world.uniqueIdOf("user.ann.a")!;
  await world.crashAt("delete:spool", (operations) => operations.remove(ann, name("user.ann.a")));
  expect(world.annotations.list(id, "")).toHaveLength(1);
  await world.operations.recover(true);
  expect(world.annotations.list(id, "")).toEqual([]);
});
