import { expect, test } from "bun:test";
import { No } from "../../lib/base/fault.ts";
import { emptyAcl } from "../../lib/mailbox/acl.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { locationOf } from "../../lib/mupdate/record.ts";
import { type MasterConnection, MasterLocator } from "../../lib/murder/master-locator.ts";

const ann = requireMailboxName("user.ann");

class Master implements MasterConnection {
  isOpen = true;
  async find(name: typeof ann) {
    if (name === "user.ann") {
      return { name, location: locationOf("be1.test", "default"), acl: emptyAcl, state: "active" } as const;
    }
    if (name === "user.new") {
      return { name, location: locationOf("be1.test", "default"), acl: emptyAcl, state: "reserved" } as const;
    }
    return undefined;
  }
  logout() {
    this.isOpen = false;
  }
}

test("MasterLocator asks the master where a mailbox is (S41, S42)", async () => {
  const locator = new MasterLocator(async () => new Master());
  expect(await locator.locate(ann)).toMatchObject({ kind: "elsewhere", server: "be1.test" });
});

test.each([
  ["user.nosuch", "NONEXISTENT"],
  ["user.new", "UNAVAILABLE"],
])("MasterLocator says of %s %s", async (name, code) => {
  const locator = new MasterLocator(async () => new Master());
  expect(await locator.locate(requireMailboxName(name)).catch((fault: No) => fault.code)).toBe(code);
});

test("MasterLocator connects once, and again when the connection was lost or refused", async () => {
  const opened: Master[] = [];
  let isDown = false;
  const locator = new MasterLocator(async () => {
    if (isDown) throw new No("UNAVAILABLE", "connection refused");
    const master = new Master();
    opened.push(master);
    return master;
  });
  await Promise.all([locator.locate(ann), locator.locate(ann).catch(() => {})]);
  await locator.locate(ann);
  const before = opened.length;
  opened.at(-1)!.isOpen = false;
  isDown = true;
  expect(await locator.locate(ann).catch((fault: No) => fault.code)).toBe("UNAVAILABLE");
  isDown = false;
  await locator.locate(ann);
  expect(opened.length).toBe(before + 1);
});
