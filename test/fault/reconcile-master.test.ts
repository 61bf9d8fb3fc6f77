// A master that comes back with the wrong list: none, or an old copy; and one that was away while a mailbox was made. The
// backends put it right by themselves, and the replica ends with what they have.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually } from "../support/murder.ts";
import { loseDatabase, restoreDatabase, saveDatabase } from "./support/database-files.ts";
import { administrator, FaultMurder, type Node } from "./support/fault-murder.ts";
import { Inspection } from "./support/invariants.ts";

let murder: FaultMurder;
let inspection: Inspection;
let masterList: string;

beforeAll(async () => {
  // As long as a backend that is up needs to withdraw what it does not have.
  murder = await FaultMurder.start(["quarantine_delay: 5s"]);
  inspection = new Inspection(murder);
  masterList = join(murder.folderOf("master"), "mailboxes.db");
}, 60_000);

afterAll(async () => {
  inspection?.[Symbol.dispose]();
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

function admin(node: Node): Promise<ImapWire> {
  return ImapWire.login(murder, murder.addressOf(node), administrator);
}

async function agrees(): Promise<void> {
  expect(await inspection.lastingDisagreements()).toEqual([]);
}

/** Names in quarantine, by backend. */
async function quarantined(): Promise<string[]> {
  const names: string[] = [];
  for (const node of ["backend1", "backend2"] as const) {
    using session = await admin(node);
    const { untagged } = await session.ok('LIST "" "DELETED.QUARANTINE.*"');
    names.push(...untagged.map((line) => `${node} ${/QUARANTINE\.(\S+)\.[0-9A-F]+/.exec(line)?.[1]}`));
  }
  return names;
}

test("a mailbox that was made while the master went away is told at once when it is back", async () => {
  using session = await admin("backend1");
  await murder.hold([{ step: "create:activate", mailbox: "late" }]);
  const answer = session.command("CREATE late");
  await murder.reached({ step: "create:activate", mailbox: "late" });
  murder.relay.network = "cut";
  murder.go();
  expect((await answer).status).toBe("OK");
  murder.relay.network = "pass";
  await agrees();
  await eventually("the log says so", () =>
    murder.logOf("backend1").join("\n").includes("unfinished operation settled"),
  );
}, 60_000);

test("a master that lost its list is refilled by the backends", async () => {
  using one = await admin("backend1");
  using two = await admin("backend2");
  for (let each = 1; each <= 20; each += 1) {
    await one.ok(`CREATE first${each}`);
    await two.ok(`CREATE second${each}`);
  }
  await agrees();
  await Promise.all([murder.kill("master"), murder.kill("backend1"), murder.kill("backend2")]);
  loseDatabase(masterList);
  await murder.startNode("master");
  await eventually("the replica keeps its list", () => murder.logOf("replica").join("\n").includes("kept for now"));
  {
    using session = await admin("frontend");
    expect((await session.ok('LIST "" "*"')).untagged).toHaveLength(41);
    expect((await session.command("SELECT first20")).text).toStartWith("[UNAVAILABLE]");
  }
  await Promise.all([murder.startNode("backend1"), murder.startNode("backend2")]);
  await agrees();
  using client = await admin("frontend");
  await client.ok("SELECT first20");
  await client.ok("SELECT second20");
  expect(await quarantined()).toEqual([]);
}, 60_000);

test("of two servers that have a name the first one keeps it, the other one's copy goes to quarantine (S134)", async () => {
  await Promise.all([murder.kill("master"), murder.kill("backend1")]);
  loseDatabase(masterList);
  await murder.startNode("master");
  using two = await admin("backend2");
  await eventually("the name is free", async () => (await two.command("CREATE first1")).status === "OK");
  await murder.startNode("backend1");
  await agrees();
  expect(await quarantined()).toEqual(["backend1 first1"]);
  using client = await admin("frontend");
  await client.ok("SELECT first1");
}, 60_000);

test("a master put back from an old copy: what moved since is found where it is, nothing goes to quarantine", async () => {
  const before = await quarantined();
  using two = await admin("backend2");
  await eventually("the master is back", async () => (await two.command("SETACL second4 cyrus lrsxa")).status === "OK");
  await murder.kill("master");
  saveDatabase(masterList);
  await murder.startNode("master");
  await agrees();
  using one = await admin("backend1");
  await eventually("the master is back", async () => (await one.command("RENAME first2 away2")).status === "OK");
  await two.ok("CREATE first2");
  await two.ok("SETACL second3 ann lr");
  await two.ok("DELETE second4");
  await one.ok("CREATE newest");
  await agrees();
  await murder.kill("master");
  restoreDatabase(masterList);
  await murder.startNode("master");
  await agrees();
  expect([inspection.entry("backend2", "first2")?.state, await quarantined()]).toEqual(["active", before]);
  using client = await admin("frontend");
  for (const name of ["away2", "first2", "newest"]) await client.ok(`SELECT ${name}`);
}, 60_000);
