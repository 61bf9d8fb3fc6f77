// A backend that comes back with the wrong files: an old backup, no list at all, another name (S163–S165, S167, S168).

import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../support/command-line.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually } from "../support/murder.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { loseDatabase, restoreDatabase, saveDatabase } from "./support/database-files.ts";
import { administrator, FaultMurder, type Node } from "./support/fault-murder.ts";
import { Inspection } from "./support/invariants.ts";

const message = "From: a@example.org\r\nSubject: kept\r\n\r\nthe only copy\r\n";

let murder: FaultMurder;

beforeAll(async () => {
  murder = await FaultMurder.start(["quarantine_delay: 0", "reconcile_limit: 3"]);
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

function admin(node: Node): Promise<ImapWire> {
  return ImapWire.login(murder, murder.addressOf(node), administrator);
}

async function agrees(): Promise<void> {
  using inspection = new Inspection(murder);
  expect(await inspection.lastingDisagreements()).toEqual([]);
}

/** What the master has at a server. */
async function announcedAt(server: string): Promise<string[]> {
  const { stdout } = await runToEnd("ctl_mupdate", ["-C", join(murder.folder, "replica.conf"), "list", "--json"]);
  const records = stdout.split("\n").filter((line) => line !== "");
  return records.filter((line) => line.includes(`${server}!`) || line.includes(`"${server}"`));
}

function log(): string {
  return murder.logOf("backend1").join("\n");
}

test("a backend restored from an old backup: what another server has by now goes to quarantine, and comes back by RENAME", async () => {
  const home = murder.folderOf("backend1");
  {
    using session = await admin("backend1");
    await session.ok("CREATE moved");
    await session.ok("SETACL moved cyrus lrsipkxa");
    await session.append("moved", message);
    await session.ok("CREATE kept");
  }
  await murder.kill("backend1");
  rmSync(join(home, "socket"), { recursive: true, force: true }); // what was left of its status page
  cpSync(home, `${home}.backup`, { recursive: true });
  await murder.startNode("backend1");
  {
    using session = await admin("backend1");
    await session.ok("DELETE moved");
    await session.ok("CREATE later");
    using other = await admin("backend2");
    await other.ok("CREATE moved");
  }
  await murder.kill("backend1");
  rmSync(home, { recursive: true });
  cpSync(`${home}.backup`, home, { recursive: true });
  await murder.startNode("backend1");
  await agrees();

  await eventually("the log tells of both", () => /is on two servers.*mailbox quarantined/s.test(log()));
  using session = await admin("backend1");
  const listed = (await session.ok('LIST "" "DELETED.QUARANTINE.moved.*"')).untagged;
  expect(listed).toHaveLength(1);
  const quarantined = /DELETED\.QUARANTINE\.moved\.[0-9A-F]+/.exec(listed[0]!)![0];
  await session.ok(`RENAME ${quarantined} restored`);
  using frontend = await admin("frontend");
  await frontend.ok("SELECT restored");
  expect((await frontend.ok("FETCH 1 (BODY[])")).untagged[0]).toContain("the only copy");
  await agrees();
}, 60_000);

test("a backend that lost its list withdraws nothing, and says what to do", async () => {
  const list = join(murder.folderOf("backend1"), "mailboxes.db");
  const before = await announcedAt("backend1");
  expect(before.length).toBeGreaterThan(0);
  await murder.kill("backend1");
  saveDatabase(list);
  loseDatabase(list);
  await murder.startNode("backend1");
  await eventually("the plan is refused", () => /Refusing to withdraw all.*mailbox list here is empty/.test(log()));
  expect(log()).toContain("ctl_mboxlist -m --force");
  expect(await announcedAt("backend1")).toEqual(before);

  await murder.kill("backend1");
  restoreDatabase(list);
  await murder.startNode("backend1");
  await agrees();
}, 60_000);

test("a backend with another servername does not start until an administrator says that it is meant", async () => {
  await murder.kill("backend1");
  const file = join(murder.folder, "backend1.conf");
  const configuration = readFileSync(file, "utf8");
  const before = await announcedAt("backend1");
  writeFileSync(file, configuration.replace("servername: backend1", "servername: renamed1"));
  const refused = await runToEnd("imapd", ["-C", file, "--listen", murder.addressOf("backend1")]);
  expect([refused.code, refused.stderr]).toEqual([78, expect.stringContaining('were announced as "backend1"')]);
  expect(await announcedAt("backend1")).toEqual(before);

  const accepted = await runToEnd("ctl_mboxlist", ["-C", file, "-m", "--accept-servername"]);
  expect([accepted.code, await announcedAt("backend1")]).toEqual([0, []]);
  expect(await announcedAt("renamed1")).toHaveLength(before.length);

  writeFileSync(file, configuration);
  expect((await runToEnd("ctl_mboxlist", ["-C", file, "-m", "--accept-servername"])).code).toBe(0);
  await murder.startNode("backend1");
  await agrees();
}, 60_000);

test("of several workers of a server one does the work, and another takes it over when he is killed", async () => {
  const isInCharge = (node: TestProcess) => node.lines.filter((line) => line.includes("agreed with the master")).length;
  const file = join(murder.folder, "backend1.conf");
  const socket = join(murder.folder, "second.sock");
  await using second = startProcess(join(import.meta.dir, "../../bin/imapd.ts"), ["-C", file, "--listen", socket]);
  await second.logged(" ready");
  await using third = startProcess(join(import.meta.dir, "../../bin/imapd.ts"), ["-C", file, "--listen", `${socket}3`]);
  await third.logged(" ready");
  expect([isInCharge(second), isInCharge(third)]).toEqual([0, 0]);
  await murder.kill("backend1");
  await eventually("one of the others has taken over", () => isInCharge(second) + isInCharge(third) > 0);
  await murder.startNode("backend1");
  await murder.kill("master");
  await murder.startNode("master");
  await eventually("the master is agreed with again", () => isInCharge(second) + isInCharge(third) > 1);
  expect(log()).not.toContain("agreed with the master");
  await agrees();
}, 60_000);
