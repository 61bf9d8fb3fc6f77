// Subscriptions: one suite for both implementations.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { type MailboxName, requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { MemorySubscriptions, openSubscriptions, type Subscriptions } from "../../lib/mailbox/subscription.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-subscription-"));
let count = 0;
const newPath = () => join(folder, `${++count}.db`);
afterAll(() => rmSync(folder, { recursive: true }));

const implementations: readonly [string, () => Subscriptions][] = [
  ["MemorySubscriptions", () => new MemorySubscriptions()],
  ["openSubscriptions()", () => openSubscriptions({ path: newPath(), clock: systemClock })],
];
const plain = (names: readonly MailboxName[]) => names.map((each) => each as string);

for (const [title, create] of implementations) {
  describe(title, () => {
    test("keeps each user's names in order, mailboxes elsewhere included (S78)", async () => {
      const subscriptions = create();
      for (const each of ["user.bob.far", "shared", "user.ann", "shared"]) await subscriptions.add("ann", name(each));
      await subscriptions.add("bob", name("shared"));
      expect(plain(subscriptions.list("ann"))).toEqual(["shared", "user.ann", "user.bob.far"]);
      await subscriptions.remove("ann", name("shared"));
      await subscriptions.remove("ann", name("never"));
      expect([subscriptions.has("ann", name("shared")), subscriptions.has("bob", name("shared"))]).toEqual([
        false,
        true,
      ]);
      subscriptions.close();
    });

    test("watch() calls back after each change, and no more when stopped (RFC 5465 §5.5)", async () => {
      const subscriptions = create();
      let calls = 0;
      const stop = subscriptions.watch(() => {
        calls += 1;
      });
      await subscriptions.add("ann", name("shared"));
      expect(calls).toBe(1);
      await subscriptions.remove("ann", name("shared"));
      expect(calls).toBe(2);
      stop();
      await subscriptions.add("ann", name("shared"));
      expect(calls).toBe(2);
      subscriptions.close();
    });

    test("follows a user to another name", async () => {
      const subscriptions = create();
      for (const each of ["user.ann", "user.ann.x", "user.anna", "shared"]) await subscriptions.add("ann", name(each));
      await subscriptions.renameUser("ann", "eve", false);
      expect(plain(subscriptions.list("eve"))).toEqual(["shared", "user.anna", "user.eve", "user.eve.x"]);
      expect(subscriptions.list("ann")).toEqual([]);
      await subscriptions.removeUser("eve");
      expect(subscriptions.list("eve")).toEqual([]);
      subscriptions.close();
    });
  });
}

test("openSubscriptions() finds everything again", async () => {
  const path = newPath();
  const first = openSubscriptions({ path, clock: systemClock });
  await first.add("ann", name("shared"));
  first.close();
  const second = openSubscriptions({ path, clock: systemClock });
  expect(plain(second.list("ann"))).toEqual(["shared"]);
  second.close();
});

test("openSubscriptions() hears of the changes of another process", async () => {
  const path = newPath();
  const here = openSubscriptions({ path, clock: systemClock });
  const there = openSubscriptions({ path, clock: systemClock });
  const heard = Promise.withResolvers<void>();
  here.watch(() => heard.resolve());
  await there.add("ann", name("shared"));
  await heard.promise;
  expect(plain(here.list("ann"))).toEqual(["shared"]);
  there.close();
  here.close();
});
