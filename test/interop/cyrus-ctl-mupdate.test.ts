// ctl_mupdate in a murder with real Cyrus 3.6 nodes: a Cyrus master, a backend and a frontend of each kind.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { runToEnd } from "../support/command-line.ts";
import { requireCyrus } from "../support/cyrus.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { caughtUp, MixedMurder, type MixedNode } from "../support/mixed-murder.ts";

let murder: MixedMurder;
let ours: MixedNode;
let cyrus: MixedNode;
let frontends: readonly MixedNode[];

beforeAll(async () => {
  requireCyrus();
  murder = new MixedMurder();
  await murder.cyrus("master");
  [ours, cyrus] = await Promise.all([murder.ours("backend"), murder.cyrus("backend")]);
  frontends = await Promise.all([murder.ours("frontend"), murder.cyrus("frontend")]);
  for (const [node, name] of [
    [ours, "user.ann"],
    [cyrus, "user.bob"],
    [cyrus, "user.bob.a&-b"],
  ] as const) {
    using admin = await ImapWire.login(murder, node.address, "cyrus");
    await admin.ok(`CREATE ${name}`);
  }
}, 120_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

function ctl(command: string, ...argv: readonly string[]) {
  return runToEnd("ctl_mupdate", [command, "-C", join(ours.configDirectory, "imapd.conf"), ...argv]);
}

const replicas = () => frontends.flatMap(({ replicaAddress }) => ["--replica", replicaAddress]);

async function check(): Promise<{ readonly code: number; readonly rows: string[]; readonly stderr: string }> {
  await Promise.all(frontends.map(caughtUp));
  const { code, stdout, stderr } = await ctl("check", "--json", "--grace", "1", ...replicas());
  const rows = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
  return { code, rows: rows.map(({ kind, source, name }) => `${kind} ${source} ${name}`).sort(), stderr };
}

test("status of a Cyrus master shows what can be known", async () => {
  const { code, stdout, stderr } = await ctl("status", "--json");
  expect([code, stderr]).toEqual([0, expect.stringContaining("has no X-IATLAS")]);
  expect(JSON.parse(stdout)).toMatchObject({ role: "master", entries: 3, outbox: null });
}, 60_000);

test("list and find ask a Cyrus master", async () => {
  const { stdout } = await ctl("list", "--tsv");
  const rows = stdout.split("\n").map((line) => line.split("\t").slice(0, 3).join(" "));
  expect(rows.slice(1, -1)).toEqual([
    `user.ann active ${ours.serverName}`,
    `user.bob active ${cyrus.serverName}`,
    `user.bob.a&-b active ${cyrus.serverName}`,
  ]);
  expect(await ctl("find", "user/nobody")).toMatchObject({ code: 1 });
}, 60_000);

test("check compares replicas and backends of both kinds, finds what is wrong, and reconcile mends its half", async () => {
  expect(await check()).toEqual({ code: 0, rows: [], stderr: "" });
  expect(await ctl("delete", "--yes", "user.ann")).toMatchObject({ code: 0 });
  expect(await ctl("delete", "--yes", "user.bob")).toMatchObject({ code: 0 });
  expect(await ctl("activate", "--yes", "user.ghost", `${ours.serverName}!default`, "ghost lrs")).toMatchObject({
    code: 0,
  });
  expect(await check()).toMatchObject({
    code: 1,
    rows: [
      `missing ${cyrus.serverName} user.bob`,
      `missing ${ours.serverName} user.ann`,
      `stale ${ours.serverName} user.ghost`,
    ].sort(),
  });
  expect(await ctl("reconcile")).toMatchObject({ code: 0 });
  expect((await check()).rows).toEqual([`missing ${cyrus.serverName} user.bob`]);
}, 60_000);

test("rebuild --pull announces what a Cyrus backend has", async () => {
  const pulled = await ctl("rebuild", "--pull", "--yes", "--timeout", "0", "--json", "--backend", cyrus.serverName);
  expect(pulled.code).toBe(0);
  expect(pulled.stdout).toContain(
    `{"backend":"${cyrus.serverName}","announced":"pulled","mailboxes":2,"problem":null}`,
  );
  expect(await check()).toEqual({ code: 0, rows: [], stderr: "" });
}, 60_000);

test("watch sees a mailbox made on a Cyrus backend", async () => {
  const watching = ctl("watch", "--limit", "1", "--timeout", "60", "user/bob/new");
  using admin = await ImapWire.login(murder, cyrus.address, "cyrus");
  let isOver = false;
  void watching.finally(() => {
    isOver = true;
  });
  // A Cyrus master does not tell who listens: mailboxes are made until one is seen.
  for (let at = 0; !isOver; at += 1) await admin.ok(`CREATE user.bob.new${at}`);
  // The first that is seen may have been reserved before.
  expect((await watching).stdout).toMatch(/ user\.bob\.new\d+: (?:not there|reserved at \S+) → /);
}, 90_000);
