// ctl_mupdate as an administrator runs it, in a murder of real processes: it shows what is, sees what happens, finds what was
// broken on purpose, and mends it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { claimSingleRun } from "../../lib/daemon/single-run.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { runToEnd } from "../support/command-line.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually, type Murder, type NodeName, startMurder } from "../support/murder.ts";
import { startProcess } from "../support/process.ts";
import { root } from "../support/sources.ts";

let murder: Murder;
let asAdmin: readonly string[];

beforeAll(async () => {
  murder = await startMurder();
  const password = join(murder.folder, "admin-password");
  writeFileSync(password, `${murder.passwordOf(murder.admin)}\n`, { mode: 0o600 });
  asAdmin = ["--admin", murder.admin, "--password-file", password];
}, 120_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 120_000);

/** Runs a command with the configuration of a node. */
function ctl(node: NodeName, command: string, ...argv: readonly string[]) {
  return runToEnd("ctl_mupdate", [command, "-C", join(murder.folder, node, "imapd.conf"), ...argv]);
}

const check = (node: NodeName, ...argv: readonly string[]) =>
  ctl(node, "check", ...asAdmin, ...(argv.includes("--grace") ? [] : ["--grace", "1"]), ...argv);

interface StatusRow {
  readonly role: string;
  readonly name: string;
  readonly entries: number | null;
  readonly lag: number | null;
  readonly outbox: number | null;
}

async function status(...argv: readonly string[]): Promise<StatusRow[]> {
  const { code, stdout, stderr } = await ctl("backend1", "status", "--json", ...argv);
  if (code !== 0) throw new Error(stderr);
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
}

/** Kind, source and name of each row of check. */
function rowsOf(stdout: string): string[] {
  const rows = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
  return rows.map(({ kind, source, name }) => `${kind} ${source} ${name}`).sort();
}

test("a wrong --server is a wrong command line, a wrong password no reason to try again", async () => {
  expect(await ctl("frontend1", "list", "--server", "127.0.0.1:99999")).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--server: "99999" in "127.0.0.1:99999" is neither a port nor a known service'),
  });
  const config = readFileSync(join(murder.folder, "frontend1", "imapd.conf"), "utf8");
  const wrong = join(murder.folder, "wrong.conf");
  writeFileSync(wrong, config.replace(/^mupdate_password:.*$/m, "mupdate_password: wrong"));
  const refused = await runToEnd("ctl_mupdate", ["list", "-C", wrong]);
  expect(refused).toMatchObject({ code: 77, stdout: "", stderr: expect.stringContaining("authentication failure") });
});

test("status shows the master and all that follow it, without delay", async () => {
  const expected = ["backend backend1", "backend backend2", "master mupdate", "replica frontend1", "replica frontend2"];
  await eventually("all have reported to the master", async () => {
    const rows = await status();
    return (
      rows
        .map(({ role, name }) => `${role} ${name}`)
        .sort()
        .join() === expected.join()
    );
  });
  await eventually("the replicas have caught up", async () =>
    (await status()).every(({ role, entries, lag }) => role !== "replica" || (entries === 5 && lag === 0)),
  );
  const backends = (await status()).filter(({ role }) => role === "backend");
  expect(backends.map(({ outbox }) => outbox)).toEqual([0, 0]);
  const replica = await ctl("backend1", "status", "--json", "--server", murderReplica());
  expect(JSON.parse(replica.stdout.split("\n")[0]!)).toMatchObject({
    role: "replica",
    name: "frontend1",
    entries: 5,
  });
}, 120_000);

test("find and list tell where mailboxes are, from the master and from a replica", async () => {
  expect(await ctl("frontend1", "find", "user/ann")).toEqual({
    code: 0,
    stderr: "",
    stdout: [
      "NAME      STATE   SERVER    PARTITION  ACL",
      "user.ann  active  backend1  default    ann lrswipkxtecdan",
      "",
    ].join("\n"),
  });
  const names = (stdout: string) =>
    stdout
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split("\t")[0]);
  const fromReplica = await ctl("backend2", "list", "--tsv", "--server", murderReplica(), "user");
  expect(names(fromReplica.stdout)).toEqual(["user.ann", "user.bob", "user.carl", "user.dora"]);
  expect(await ctl("backend2", "delete", "--yes", "--server", murderReplica(), "user/ann")).toMatchObject({
    code: 69,
  });
}, 120_000);

test("watch sees a mailbox being made", async () => {
  const watching = ctl("frontend2", "watch", "--json", "--limit", "1", "--timeout", "60", "user/zoe");
  await eventually("watch streams", async () => (await status("--all")).some(({ role }) => role === "stream"));
  using admin = await ImapWire.login(murder, murder.backends[0].imap, murder.admin);
  await admin.ok("CREATE user/zoe");
  const { code, stdout } = await watching;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ name: "user.zoe", wasKnown: true, wasState: null });
}, 120_000);

test("watch ends with 0 at Ctrl-C", async () => {
  const argv = ["-C", join(murder.folder, "frontend2", "imapd.conf"), "watch"];
  await using watching = startProcess(join(root, "bin/ctl_mupdate.ts"), argv);
  await eventually("watch streams", async () => (await status("--all")).some(({ role }) => role === "stream"));
  watching.kill("SIGINT");
  expect(await watching.exited).toBe(0);
}, 120_000);

test("check says nothing while all agree, and finds what was broken; reconcile mends it (S163–S168)", async () => {
  expect(await check("frontend1")).toEqual({ code: 0, stdout: "", stderr: "" });

  await ctl("backend1", "delete", "--yes", "user/ann");
  await ctl("backend1", "activate", "--yes", "user/ghost", "backend2!default", "ann lrs");
  await ctl("backend1", "activate", "--yes", "user/bob", "backend1!default", "bob lr");
  await ctl("backend1", "activate", "--yes", "user/carl", "backend1!default");
  const found = await check("frontend1", "--json");
  expect(found).toMatchObject({ code: 1, stderr: "" });
  expect(rowsOf(found.stdout)).toEqual([
    "conflicting backend2 user.carl",
    "different backend1 user.bob",
    "missing backend1 user.ann",
    "stale backend1 user.carl",
    "stale backend2 user.ghost",
  ]);
  const own = await check("backend2", "--json", "--only", "local");
  expect(rowsOf(own.stdout)).toEqual(["conflicting backend2 user.carl", "stale backend2 user.ghost"]);

  expect(await ctl("backend1", "reconcile", "--dry-run")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("Force Activate: user.ann\n"),
  });
  // In this order: the claim of backend1 goes first, and carl's mailbox need not go to quarantine.
  for (const backend of ["backend1", "backend2"] as const) {
    expect(await ctl(backend, "reconcile")).toMatchObject({ code: 0 });
  }
  expect(await check("frontend1")).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await ctl("backend1", "reconcile")).toEqual({ code: 0, stdout: "", stderr: "" });
}, 120_000);

test("check gives no false alarm while mailboxes are made, changed and removed", async () => {
  using admin = await ImapWire.login(murder, murder.backends[0].imap, murder.admin);
  let isOver = false;
  const checking = check("frontend1", "--grace", "5").finally(() => {
    isOver = true;
  });
  for (let at = 0; !isOver; at += 1) {
    await admin.ok(`CREATE user/zoe/f${at}`);
    await admin.ok(`SETACL user/zoe/f${at} ${murder.admin} lrswipkxtea`);
    if (at % 2 === 1) await admin.ok(`DELETE user/zoe/f${at}`);
  }
  expect(await checking).toEqual({ code: 0, stdout: "", stderr: "" });
}, 120_000);

test("check finds a replica whose list was damaged", async () => {
  const path = join(murder.folder, "frontend2", "mailboxes.db");
  const list = openMailboxList({ path, clock: systemClock });
  await list.change([{ remove: requireMailboxName("user.dora") }]);
  list.close();
  for (const node of ["frontend1", "frontend2"] as const) {
    const found = await check(node, "--json");
    expect([found.code, rowsOf(found.stdout)]).toEqual([1, ["missing frontend2 user.dora"]]);
  }
}, 120_000);

test("rebuild waits until the backends have refilled a master that lost its list", async () => {
  await murder.stopNode("mupdate");
  for (const file of readdirSync(join(murder.folder, "mupdate"))) {
    if (file.startsWith("mailboxes.db")) rmSync(join(murder.folder, "mupdate", file));
  }
  await murder.startNode("mupdate");
  const backends = ["--backend", "backend1", "--backend", "backend2"];
  const { code, stdout } = await ctl("frontend1", "rebuild", "--yes", "--json", ...backends);
  expect(code).toBe(0);
  const rows = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
  expect(rows).toEqual([
    { backend: "backend1", announced: "itself", mailboxes: expect.any(Number), problem: null },
    { backend: "backend2", announced: "itself", mailboxes: 3, problem: null },
  ]);
  expect(await check("frontend1")).toEqual({ code: 0, stdout: "", stderr: "" });
}, 120_000);

test("check waits for nobody who runs already, and for no master that is away", async () => {
  const run = claimSingleRun(join(murder.folder, "backend1"), "ctl_mupdate");
  expect(await check("backend1")).toMatchObject({
    code: 75,
    stdout: "",
    stderr: expect.stringContaining("Another run is under way"),
  });
  run.release();
  await murder.stopNode("mupdate");
  for (const command of ["status", "check", "reconcile"]) {
    const { code, stdout, stderr } = await ctl("backend1", command);
    expect([code, stdout]).toEqual([75, ""]);
    expect(stderr).toContain("connection refused");
  }
}, 120_000);

/** The first frontend's replica. */
function murderReplica(): string {
  return murder.frontends[0].mupdate;
}
