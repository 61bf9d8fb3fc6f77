// CREATE, DELETE, RENAME and SETACL on a backend, when nothing fails: who may, what comes of it, what is said.

import { describe, expect, test } from "bun:test";
import { formatRights, parseRightsChange } from "../../lib/mailbox/acl.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { admin, ann, BackendWorld, bob } from "../support/backend-world.ts";
import { FakeMaster } from "../support/fake-master.ts";

const no = (code: string, message: string) => ({ name: "No", code, message });
const denied = no("NOPERM", "Permission denied");
const nonexistent = no("NONEXISTENT", "Mailbox does not exist");
const exists = no("ALREADYEXISTS", "Mailbox already exists");
const unsupported = no("CANNOT", "Operation is not supported on mailbox");
const badName = no("CANNOT", "Invalid mailbox name");

async function newWorld(settings = {}, master?: FakeMaster): Promise<BackendWorld> {
  const world = new BackendWorld(master, settings);
  await world.make(["user.ann", "user.bob", "shared"]);
  return world;
}

describe("create()", () => {
  test("gives a new user everything, a child its parent's ACL, a shared top the default (R114)", async () => {
    const world = await newWorld();
    expect(world.list.find(name("user.ann"))?.acl as string).toBe("ann\tlrswipkxtecdan\t");
    expect(world.list.find(name("shared"))?.acl as string).toBe("anyone\tlrs\t");
    await world.operations.setAcl(ann, name("user.ann"), "bob", parseRightsChange("lrk"));
    const child = await world.operations.create(bob, name("user.ann.a.b"));
    expect(child.acl as string).toBe("ann\tlrswipkxtecdan\tbob\tlrkc\t");
    expect(world.store.exists(child.uniqueId, child.partition)).toBe(true);
    expect(world.list.journal()).toEqual([]);
  });

  test("refuses what the identity may not make (S123)", async () => {
    const { operations } = await newWorld();
    for (const each of ["user.eve", "top", "user.bob.x", "shared.x", "DELETED.x.65A1B2C3"]) {
      await expect(operations.create(ann, name(each))).rejects.toMatchObject(denied);
    }
    await expect(operations.create(admin, name("user.nobody.x"))).rejects.toMatchObject(denied);
    await expect(operations.create(ann, name("user.ann.x"), "default")).rejects.toMatchObject(denied);
    await expect(operations.create(ann, name("user.ann.a*b"))).rejects.toMatchObject(badName);
    await expect(operations.create(admin, name("x"), "nosuch")).rejects.toMatchObject({
      message: "Unknown/invalid partition",
    });
  });

  test("lets an administrator make folders of a user whose INBOX is on another server, nobody else (S119, S183)", async () => {
    const master = new FakeMaster();
    await newWorld({}, master);
    const other = new BackendWorld(master, { servername: "be2" });
    const made = await other.operations.create(admin, name("user.ann.archive"));
    expect(made.acl as string).toBe("ann\tlrswipkxtecdan\t");
    expect(master.locationOf(made.name) as string).toBe("be2!default");
    await expect(other.operations.create(ann, name("user.ann.more"))).rejects.toMatchObject(denied);
    await expect(other.operations.create(admin, name("user.nobody.x"))).rejects.toMatchObject(denied);
  });

  test("deletes a name that another server deleted in the same second", async () => {
    const master = new FakeMaster();
    const delayed = { delete_mode: "delayed" } as const;
    const first = await newWorld(delayed, master);
    await first.operations.create(ann, name("user.ann.a"));
    await first.operations.remove(ann, name("user.ann.a"));
    const second = new BackendWorld(master, { ...delayed, servername: "be2" });
    await second.operations.create(admin, name("user.ann.a"));
    await second.operations.remove(ann, name("user.ann.a"));
    const deleted = [...master.names.keys()].filter((each) => each.startsWith("DELETED.user.ann.a."));
    expect(deleted.map((each) => master.locationOf(each) as string).sort()).toEqual(["be1!default", "be2!default"]);
    expect(second.list.journal()).toEqual([]);
  });

  test("says that a name exists only to those who see it", async () => {
    const { operations } = await newWorld();
    await expect(operations.create(ann, name("user.ann"))).rejects.toMatchObject(exists);
    await expect(operations.create(ann, name("shared"))).rejects.toMatchObject(exists);
    await expect(operations.create(ann, name("user.bob"))).rejects.toMatchObject(denied);
    await expect(operations.create(admin, name("user.bob"))).rejects.toMatchObject(exists);
  });

  test("never gives a name the same UIDVALIDITY twice", async () => {
    const { operations } = await newWorld();
    const first = await operations.create(ann, name("user.ann.x"));
    await operations.remove(ann, name("user.ann.x"));
    const second = await operations.create(ann, name("user.ann.x"));
    expect(second.uidValidity).toBeGreaterThan(first.uidValidity);
  });

  test("lets one of two at the same moment win (S27)", async () => {
    for (const master of [undefined, new FakeMaster()]) {
      const world = await newWorld({}, master);
      const both = [1, 2].map(() =>
        world.operations.create(ann, name("user.ann.x")).then(
          () => "OK",
          (fault) => fault.code,
        ),
      );
      expect((await Promise.all(both)).sort()).toEqual(["ALREADYEXISTS", "OK"]);
    }
  });

  test("lets one of two servers win (S27), and tells the master of the winner (S28)", async () => {
    const master = new FakeMaster();
    const worlds = ["be1", "be2"].map((servername) => new BackendWorld(master, { servername }));
    const outcomes = await Promise.all(
      worlds.map((world) =>
        world.operations.create(admin, name("shared")).then(
          () => "OK",
          (fault) => fault.code,
        ),
      ),
    );
    expect(outcomes.sort()).toEqual(["ALREADYEXISTS", "OK"]);
    const winner = worlds.find((world) => world.names().length === 1)!;
    expect(master.names.get(name("shared"))).toMatchObject({
      state: "active",
      location: `${winner.settings.servername}!default`,
    });
    const loser = worlds.find((world) => world !== winner)!;
    expect([loser.store.list("default"), loser.list.journal()]).toEqual([[], []]);
  });

  test("leaves nothing when the folder cannot be made", async () => {
    const master = new FakeMaster();
    const world = await newWorld({}, master);
    world.store.failNext = "create";
    await expect(world.operations.create(ann, name("user.ann.x"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect([world.list.find(name("user.ann.x")), master.names.has(name("user.ann.x")), world.list.journal()]).toEqual([
      undefined,
      false,
      [],
    ]);
  });

  test("localCreate() leaves the master out and is for administrators", async () => {
    const master = new FakeMaster();
    const world = await newWorld({}, master);
    master.isUp = false;
    await expect(world.operations.localCreate(ann, name("user.ann.x"))).rejects.toMatchObject(denied);
    await world.operations.localCreate(admin, name("user.ann.x"));
    expect([world.names().includes("user.ann.x"), master.names.has(name("user.ann.x"))]).toEqual([true, false]);
    await world.operations.localRemove(admin, name("user.ann.x"));
    expect(world.names().includes("user.ann.x")).toBe(false);
  });
});

describe("remove()", () => {
  test("refuses INBOX, what lacks x, and what cannot be seen (R111)", async () => {
    const { operations } = await newWorld();
    await expect(operations.remove(ann, name("user.ann"))).rejects.toMatchObject(unsupported);
    await expect(operations.remove(ann, name("shared"))).rejects.toMatchObject(denied);
    await expect(operations.remove(ann, name("user.bob"))).rejects.toMatchObject(nonexistent);
    await expect(operations.remove(ann, name("nosuch"))).rejects.toMatchObject(nonexistent);
    await expect(operations.remove(admin, name("user.ann"))).rejects.toMatchObject(denied);
  });

  test("removes one mailbox and leaves those below", async () => {
    const world = await newWorld();
    await world.make(["user.ann.a", "user.ann.a.b"]);
    await world.operations.remove(ann, name("user.ann.a"));
    expect(world.names()).toEqual(["shared", "user.ann", "user.ann.a.b", "user.bob"]);
    expect(world.store.list("default").length).toBe(4);
  });

  test("refuses shared mailboxes with others below, when deleting is immediate", async () => {
    const world = await newWorld();
    await world.make(["shared.x"]);
    await world.operations.setAcl(admin, name("shared"), "cyrus", parseRightsChange("+x"));
    await expect(world.operations.remove(admin, name("shared"))).rejects.toMatchObject({ code: "HASCHILDREN" });
  });

  test("removes a user with all that is his, once the administrator has x", async () => {
    for (const delete_mode of ["immediate", "delayed"] as const) {
      const master = new FakeMaster();
      const world = await newWorld({ delete_mode }, master);
      await world.make(["user.ann.a", "user.ann.a.b", "user.annabel"]);
      await world.subscriptions.add("ann", name("user.ann.a"));
      await world.quota.setLimits(name("user.ann"), { STORAGE: 10 });
      await world.operations.setAcl(admin, name("user.ann"), "cyrus", parseRightsChange("x"));
      const removed = await world.operations.remove(admin, name("user.ann"));
      expect(removed.map((entry) => entry.name as string)).toEqual(["user.ann", "user.ann.a", "user.ann.a.b"]);
      expect(world.names().filter((each) => !each.startsWith("DELETED."))).toEqual([
        "shared",
        "user.annabel",
        "user.bob",
      ]);
      expect(world.subscriptions.list("ann")).toEqual([]);
      expect(world.quota.rootOf(name("user.ann"))).toBeUndefined();
      expect([...master.names.keys()].map(String).sort()).toEqual(world.names());
    }
  });

  test("keeps a deleted mailbox under DELETED when delayed, and purge() ends it", async () => {
    const master = new FakeMaster();
    const world = await newWorld({ delete_mode: "delayed" }, master);
    for (const _ of [1, 2]) {
      await world.make(["user.ann.a"], 3);
      await world.operations.remove(ann, name("user.ann.a"));
    }
    const deleted = world.names().filter((each) => each.startsWith("DELETED."));
    expect(deleted).toEqual(["DELETED.user.ann.a.6553F100", "DELETED.user.ann.a.6553F101"]);
    expect(world.store.messages).toBe(6);
    for (const each of deleted) await world.operations.purge(name(each));
    expect([world.store.messages, [...master.names.keys()].map(String).sort()]).toEqual([0, world.names()]);
  });

  test("an administrator brings a deleted mailbox back by RENAME", async () => {
    const world = await newWorld({ delete_mode: "delayed" });
    await world.make(["user.ann.a"], 3);
    await world.operations.remove(ann, name("user.ann.a"));
    await world.operations.rename(admin, name("DELETED.user.ann.a.6553F100"), name("user.ann.a"));
    expect(world.names()).toEqual(["shared", "user.ann", "user.ann.a", "user.bob"]);
  });

  test("takes the messages off the quota", async () => {
    for (const delete_mode of ["immediate", "delayed"] as const) {
      const world = await newWorld({ delete_mode });
      await world.quota.setLimits(name("user.ann"), { MESSAGE: 100 }, { bytes: 5000, messages: 5 });
      await world.make(["user.ann.a"], 3);
      await world.operations.remove(ann, name("user.ann.a"));
      expect(world.quota.find(name("user.ann"))).toMatchObject({ bytes: 2000, messages: 2 });
    }
  });
});

describe("rename()", () => {
  test("takes everything below along, in order, with ids and ACLs (S135)", async () => {
    const master = new FakeMaster();
    const world = await newWorld({}, master);
    await world.make(["user.ann.a", "user.ann.a.b", "user.ann.a-b"], 1);
    const id = world.uniqueIdOf("user.ann.a.b");
    const pairs = await world.operations.rename(ann, name("user.ann.a"), name("user.ann.z"));
    expect(pairs.map(({ from, to }) => `${from} ${to}`)).toEqual([
      "user.ann.a user.ann.z",
      "user.ann.a.b user.ann.z.b",
    ]);
    expect(world.uniqueIdOf("user.ann.z.b")).toBe(id);
    expect([...master.names.keys()].map(String).sort()).toEqual(world.names());
    expect([...master.names.values()].every(({ state }) => state === "active")).toBe(true);
  });

  test("refuses what may not be, with Cyrus' words", async () => {
    const world = await newWorld();
    await world.make(["user.ann.a", "shared.x"]);
    const { operations } = world;
    const table = [
      [ann, "nosuch", "user.ann.z", nonexistent],
      [ann, "user.bob", "user.ann.got", nonexistent],
      [ann, "shared", "user.ann.z", denied],
      [ann, "user.ann.a", "user.bob.z", denied],
      [ann, "user.ann.a", "top", denied],
      [ann, "user.ann.a", "user.ann", exists],
      [ann, "user.ann.a", "user.ann.a", exists],
      [ann, "user.ann.a", "user.ann.a.b", unsupported],
      [ann, "user.ann.a", "user.ann.x%", badName],
      [admin, "user.ann", "top", unsupported],
      [admin, "user.ann", "user.bob", exists],
    ] as const;
    for (const [who, from, to, fault] of table) {
      await expect(operations.rename(who, name(from), name(to))).rejects.toMatchObject(fault);
    }
    expect(world.names()).toEqual(["shared", "shared.x", "user.ann", "user.ann.a", "user.bob"]);
  });

  test("moves a user: folders, ACLs, subscriptions, quota root", async () => {
    const world = await newWorld();
    await world.make(["user.ann.a"]);
    await world.subscriptions.add("ann", name("user.ann.a"));
    await world.quota.setLimits(name("user.ann"), { STORAGE: 10 }, { bytes: 10, messages: 1 });
    await world.operations.rename(admin, name("user.ann"), name("user.eve"));
    expect(world.names()).toEqual(["shared", "user.bob", "user.eve", "user.eve.a"]);
    expect(world.list.find(name("user.eve.a"))?.acl as string).toBe("eve\tlrswipkxtecdan\t");
    expect(world.subscriptions.list("eve").map(String)).toEqual(["user.eve.a"]);
    expect(world.quota.find(name("user.eve"))).toMatchObject({ limits: { STORAGE: 10 }, bytes: 10 });
  });

  test("of INBOX moves the messages and keeps INBOX and what is below (RFC 3501 §6.3.5)", async () => {
    const world = await newWorld();
    await world.make(["user.ann.a"], 1);
    world.store.fill(world.uniqueIdOf("user.ann")!, "default", 5);
    await world.operations.rename(ann, name("user.ann"), name("user.ann.old"));
    expect(world.names()).toEqual(["shared", "user.ann", "user.ann.a", "user.ann.old", "user.bob"]);
    const count = async (each: string) =>
      (await world.store.open(world.uniqueIdOf(each)!, "default")).totals().messages;
    expect([await count("user.ann"), await count("user.ann.old"), await count("user.ann.a")]).toEqual([0, 5, 1]);
    world.store.fill(world.uniqueIdOf("user.ann")!, "default", 2);
    world.store.failNext = "copyTo";
    await expect(world.operations.rename(ann, name("user.ann"), name("user.ann.z"))).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    expect([world.names().includes("user.ann.z"), await count("user.ann")]).toEqual([false, 2]);
  });

  test("refuses to carry mail over another root's quota", async () => {
    const world = await newWorld();
    await world.make(["user.ann.a"], 3);
    await world.quota.setLimits(name("user.bob"), { MESSAGE: 2 });
    await expect(world.operations.rename(admin, name("user.ann.a"), name("user.bob.a"))).rejects.toMatchObject({
      code: "OVERQUOTA",
    });
    await world.quota.setLimits(name("user.bob"), { MESSAGE: 3 });
    await world.operations.rename(admin, name("user.ann.a"), name("user.bob.a"));
    expect(world.quota.find(name("user.bob"))?.messages).toBe(3);
  });
});

describe("setAcl()", () => {
  const rightsIn = (world: BackendWorld, mailbox: string) => world.list.find(name(mailbox))?.acl.replaceAll("\t", " ");

  test("changes, adds, takes away, and tells the master", async () => {
    const master = new FakeMaster();
    const world = await newWorld({}, master);
    await world.operations.setAcl(ann, name("user.ann"), "Bob", parseRightsChange("lrs"));
    await world.operations.setAcl(ann, name("user.ann"), "bob", parseRightsChange("+i"));
    expect(rightsIn(world, "user.ann")).toBe("ann lrswipkxtecdan bob lrsi ");
    expect(master.names.get(name("user.ann"))?.acl).toBe(world.list.find(name("user.ann"))!.acl);
    await world.operations.deleteAcl(ann, name("user.ann"), "bob");
    await world.operations.deleteAcl(ann, name("user.ann"), "nobody");
    expect(rightsIn(world, "user.ann")).toBe("ann lrswipkxtecdan ");
  });

  test("needs a, and hides what cannot be seen", async () => {
    const { operations } = await newWorld();
    const change = parseRightsChange("lr");
    await expect(operations.setAcl(ann, name("shared"), "bob", change)).rejects.toMatchObject(denied);
    await expect(operations.setAcl(ann, name("user.bob"), "bob", change)).rejects.toMatchObject(nonexistent);
    await expect(operations.setAcl(ann, name("user.ann"), "-", change)).rejects.toMatchObject({
      message: "Invalid identifier",
    });
  });

  test("does not let owners lock themselves out; administrators may", async () => {
    const world = await newWorld();
    await world.operations.setAcl(ann, name("user.ann"), "ann", parseRightsChange("r"));
    expect(rightsIn(world, "user.ann")).toBe("ann lrkxcan ");
    await world.operations.deleteAcl(ann, name("user.ann"), "ann");
    expect(rightsIn(world, "user.ann")).toBe("ann lkxcan ");
    await world.operations.setAcl(ann, name("user.ann"), "-ann", parseRightsChange("lar"));
    expect(rightsIn(world, "user.ann")).toBe("ann lkxcan -ann r ");
    await world.operations.deleteAcl(admin, name("user.ann"), "ann");
    expect(rightsIn(world, "user.ann")).toBe("-ann r ");
  });

  test("keeps to allowsetacl and anyoneuseracl", async () => {
    const closed = await newWorld({ allowsetacl: false });
    await expect(closed.operations.setAcl(ann, name("user.ann"), "bob", parseRightsChange("l"))).rejects.toMatchObject(
      denied,
    );
    const world = await newWorld({ anyoneuseracl: false });
    await expect(
      world.operations.setAcl(ann, name("user.ann"), "anyone", parseRightsChange("l")),
    ).rejects.toMatchObject(denied);
    await world.operations.setAcl(admin, name("user.ann"), "anyone", parseRightsChange("l"));
    await world.operations.setAcl(ann, name("user.ann"), "anyone", parseRightsChange("-l"));
    expect(rightsIn(world, "user.ann")).toBe("ann lrswipkxtecdan ");
    expect(formatRights(parseRightsChange("+l").rights)).toBe("l");
  });
});
