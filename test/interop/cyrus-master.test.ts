// Our backend and our frontend under a real Cyrus 3.6 master, whose known faults (W7, W15) must not hurt.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { connectToMaster } from "../../lib/murder/master-connection.ts";
import { requireCyrus } from "../support/cyrus.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { caughtUp, MixedMurder, type MixedNode } from "../support/mixed-murder.ts";
import { active, mailboxName, masterOptions } from "../support/mupdate-world.ts";
import { eventually } from "../support/murder.ts";

let murder: MixedMurder;
let master: MixedNode;
let backend: MixedNode;
let frontend: MixedNode;
let admin: ImapWire;

beforeAll(async () => {
  requireCyrus();
  murder = new MixedMurder();
  master = await murder.cyrus("master");
  backend = await murder.ours("backend");
  frontend = await murder.ours("frontend");
  admin = await ImapWire.login(murder, backend.address, "cyrus");
  await admin.ok("CREATE user.ann");
}, 90_000);

afterAll(async () => {
  admin?.[Symbol.dispose]();
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

/** What a user is shown by our frontend once it has caught up. */
async function shown(user: string, pattern: string): Promise<readonly string[]> {
  await caughtUp(frontend);
  using imap = await ImapWire.login(murder, frontend.address, user);
  const { untagged } = await imap.ok(`LIST "" "${pattern}"`);
  return untagged.map((line) => line.split(" ").at(-1) ?? "").sort();
}

/** Our client, as a backend's registrar uses it. */
function connect(compresses = false): Promise<MupdateClient> {
  const options = { ...masterOptions, servers: master.address, deadlineMs: 20_000, compresses };
  return connectToMaster(master.address, options);
}

test("CREATE on our backend is in our frontend's LIST, and SELECT finds it there", async () => {
  expect(await shown("ann", "*")).toEqual(["INBOX"]);
  using ann = await ImapWire.login(murder, frontend.address, "ann");
  for (let at = 0; at < 20; at += 1) {
    await ann.ok(`CREATE INBOX.f${at}`);
    await ann.ok(`SELECT INBOX.f${at}`);
  }
  expect((await shown("ann", "INBOX.%")).length).toBe(20);
}, 60_000);

test("SETACL, RENAME with children and DELETE of ours arrive through Cyrus' master", async () => {
  await admin.ok("CREATE shared");
  await admin.ok("CREATE shared.child");
  expect(await shown("ann", "shared*")).toEqual(["shared", "shared.child"]);
  await admin.ok("DELETEACL shared anyone");
  expect(await shown("ann", "shared*")).toEqual(["shared.child"]);
  await admin.ok("SETACL shared anyone lrs");
  await admin.ok("SETACL shared cyrus lrswipkxtecda");
  await admin.ok("RENAME shared moved");
  expect(await shown("ann", "shared*")).toEqual([]);
  expect(await shown("ann", "moved*")).toEqual(["moved", "moved.child"]);
  await admin.ok("SETACL moved.child cyrus lrswipkxtecda");
  await admin.ok("DELETE moved.child");
  await admin.ok("DELETE moved");
  expect(await shown("cyrus", "moved*")).toEqual([]);
});

test("a name that another server has reserved or activated is refused, and nothing is left of the attempt", async () => {
  const client = await connect();
  await client.reserve(mailboxName("taken"), active("x", "be9!default").location);
  expect((await admin.command("CREATE taken")).status).toBe("NO");
  await client.activate(mailboxName("taken"), active("x", "be9!default").location, active("x", "x", "").acl);
  expect((await admin.command("CREATE taken")).status).toBe("NO");
  expect((await client.find(mailboxName("taken")))?.location as string).toBe("be9!default");
  await client.remove(mailboxName("taken"));
  await admin.ok("CREATE taken");
  expect((await client.find(mailboxName("taken")))?.location as string).toStartWith(backend.serverName);
  client.logout();
});

test("what kills a Cyrus master is never sent to it: DELETE and DEACTIVATE of what is not there or only reserved (W7)", async () => {
  const client = await connect();
  const name = mailboxName("user.nobody");
  const here = active("x", "be9!default").location;
  expect(await client.remove(name)).toBe(false);
  expect(await client.deactivate(name, here).catch(String)).toContain("mailbox doesn't exist");
  await client.reserve(name, here);
  await client.deactivate(name, here);
  expect(await client.remove(name)).toBe(true);
  await client.noop(); // on the same connection: nobody died
  client.logout();
});

test("a compressed connection to a Cyrus master carries the whole list (R78)", async () => {
  const client = await connect(true);
  const names: string[] = [];
  await client.update({ record: ({ name }) => names.push(name), deletion: () => {} });
  expect(names).toContain("user.ann");
  await client.noop();
  client.logout();
});

test("a list of 300 mailboxes with ACLs of 20 KB passes through our replica, and partly with host arguments", async () => {
  const client = await connect();
  const acl = active("x", "x", `${Array.from({ length: 1_500 }, (_, at) => `user${at}\tlrs`).join("\t")}\t`).acl;
  const many = Array.from({ length: 300 }, (_, at) => mailboxName(`many.m${at}`));
  await Promise.all(
    many.map((name, at) =>
      client.activate(
        name,
        active("x", `be${at % 2 ? 8 : 7}!default`).location,
        at % 100 === 0 ? acl : active("x", "x", "anyone\tlrs\t").acl,
      ),
    ),
  );
  expect((await shown("ann", "many.*")).length).toBe(297);
  const part = await connect();
  const heard = new Set<string>();
  await part.update({ record: ({ name }) => heard.add(name), deletion: () => {} }, ["be7"]);
  expect(heard.size).toBe(150);
  await Promise.all(many.map((name) => client.remove(name)));
  await part.noop();
  part.logout();
  client.logout();
  expect(await shown("ann", "many.*")).toEqual([]);
}, 60_000);

test("without its master a backend refuses to change the list and serves on; both are back when it is (S21, S172)", async () => {
  await master.stop();
  expect((await admin.command("CREATE user.ann.late")).status).toBe("NO");
  using ann = await ImapWire.login(murder, frontend.address, "ann");
  await ann.ok("SELECT INBOX");
  await master.start();
  await eventually("CREATE works again", async () => (await admin.command("CREATE user.ann.late")).status === "OK");
  expect(await shown("ann", "INBOX.late")).toEqual(["INBOX.late"]);
}, 60_000);

test("a reservation that is lost in the master's restart does not stop its ACTIVATE (W15, R64)", async () => {
  const before = await connect();
  const [name, here] = [mailboxName("user.slow"), active("x", "be9!default").location];
  await before.reserve(name, here);
  before.logout();
  await master.stop();
  await master.start();
  const after = await connect();
  if (await after.find(name)) await after.remove(name); // as "ctl_cyrusdb -r" does at Cyrus' start
  await after.activate(name, here, active("x", "x", "").acl);
  expect((await after.find(name))?.state).toBe("active");
  await after.remove(name);
  after.logout();
}, 60_000);
