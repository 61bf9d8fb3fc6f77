// What an operation that waits for the master writes into the log.

import { expect, test } from "bun:test";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { ann, BackendWorld } from "../support/backend-world.ts";
import { FakeMaster } from "../support/fake-master.ts";

test("an operation that waits for the master is in the log once, however often it is tried again", async () => {
  const world = new BackendWorld(new FakeMaster());
  await world.make(["user.ann"], 1);
  world.master!.failure = { call: world.master!.calls, isDone: true }; // reserved, but the answer was lost
  await expect(world.operations.create(ann, name("user.ann.new"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  for (let count = 0; count < 5; count++) await world.operations.recover();
  expect(world.list.journal()).toHaveLength(1);
  expect(world.warnings.filter((event) => event === "operation still waits")).toHaveLength(1);
});
