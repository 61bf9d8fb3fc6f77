// ctl_mupdate over a master in memory: what is printed, what is asked, and the exit codes.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { findProgram } from "../../lib/cli/mupdate/find.ts";
import { listProgram } from "../../lib/cli/mupdate/list.ts";
import { activateProgram, deactivateProgram, deleteProgram } from "../../lib/cli/mupdate/repair.ts";
import { statusProgram } from "../../lib/cli/mupdate/status.ts";
import { watchProgram } from "../../lib/cli/mupdate/watch.ts";
import type { ServerStatus } from "../../lib/mupdate/extension.ts";
import { cyrusBanner, runCommand } from "../support/mupdate-tools.ts";
import { active, emptyRegistry, mailboxName, reserved, sessionOptions } from "../support/mupdate-world.ts";

const ann = active("user.ann", "be1!default", "ann\tlrs\tanyone\tlr\t");
const bob = reserved("user.bob", "be1!default");
const shared = active("example.org!shared.a^b", "be2!fast", "group:staff\tlrs\t");

test("list prints all, a prefix in either form, a place, or a state", async () => {
  const master = sessionOptions(emptyRegistry([ann, bob, shared]));
  const all = await runCommand(listProgram, { master });
  expect(all).toEqual({
    code: 0,
    stderr: "",
    stdout: [
      "NAME                    STATE     SERVER  PARTITION  ACL",
      "example.org!shared.a^b  active    be2     fast       group:staff lrs",
      "user.ann                active    be1     default    ann lrs, anyone lr",
      "user.bob                reserved  be1     default",
      "",
    ].join("\n"),
  });
  const names = async (...argv: string[]) => {
    const { stdout } = await runCommand(listProgram, { master, config: { unixhierarchysep: true } }, "--json", ...argv);
    return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line).name]));
  };
  expect(await names("user/a")).toEqual(["user.ann"]);
  expect(await names("user.b")).toEqual(["user.bob"]);
  expect(await names("--location", "be1")).toEqual(["user.ann", "user.bob"]);
  expect(await names("--location", "be2!default")).toEqual([]);
  expect(await names("--state", "reserved")).toEqual(["user.bob"]);
});

test("find tells where names are, and ends with 1 when the master does not know one", async () => {
  const world = { master: sessionOptions(emptyRegistry([ann, shared])), config: { virtdomains: "userid" } } as const;
  expect(await runCommand(findProgram, world, "--json", "user/ann", "user.dora", "shared/a.b@example.org")).toEqual({
    code: 1,
    stderr: 'ctl_mupdate: mu.lab does not know "user.dora"\n',
    stdout: [
      '{"name":"user.ann","state":"active","server":"be1","partition":"default","acl":["ann lrs","anyone lr"]}',
      '{"name":"example.org!shared.a^b","state":"active","server":"be2","partition":"fast","acl":["group:staff lrs"]}',
      "",
    ].join("\n"),
  });
  expect(await runCommand(findProgram, world, "a..b")).toMatchObject({ code: 64 });
});

test("activate shows what the master has, asks, does it, and shows the result", async () => {
  const registry = emptyRegistry([ann]);
  const world = { master: sessionOptions(registry), answer: "y" };
  expect(await runCommand(activateProgram, world, "--tsv", "user/ann", "be2!fast", "ann lrswipkxte anyone lr")).toEqual(
    {
      code: 0,
      stderr: [
        'Now: "user.ann" is active at be1!default, ACL "ann lrs, anyone lr"',
        "Warning: The master has it on another server, be1",
        'Activate "user.ann" at be2!fast with the ACL "ann lrswipkxtecd, anyone lr"? [y/N] y',
        "",
      ].join("\n"),
      stdout: [
        "name\tstate\tserver\tpartition\tacl",
        "user.ann\tactive\tbe2\tfast\tann lrswipkxtecd anyone lr",
        "",
      ].join("\n"),
    },
  );
  expect(registry.find(ann.name)?.location as string).toBe("be2!fast");
});

test("a repair is not made with --dry-run, after a no, and where nobody can be asked", async () => {
  const registry = emptyRegistry([ann]);
  const master = sessionOptions(registry);
  expect(await runCommand(deleteProgram, { master }, "--dry-run", "user.ann")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Would delete "user.ann" from the list of all mailboxes\n'),
  });
  expect(await runCommand(deleteProgram, { master, answer: "no" }, "user.ann")).toMatchObject({ code: 1 });
  expect(await runCommand(deleteProgram, { master }, "user.ann")).toMatchObject({ code: 64 });
  expect(registry.find(ann.name)).toEqual(ann);
});

test("deactivate reserves a name where it is; activate without an ACL keeps the one that is known", async () => {
  const registry = emptyRegistry([ann]);
  const master = sessionOptions(registry);
  expect(await runCommand(activateProgram, { master }, "--yes", "user.ann", "be1!fast")).toMatchObject({ code: 0 });
  expect(registry.find(ann.name)).toEqual(active("user.ann", "be1!fast", "ann\tlrs\tanyone\tlr\t"));
  expect(await runCommand(deactivateProgram, { master }, "--yes", "--tsv", "user.ann")).toMatchObject({
    code: 0,
    stdout: "name\tstate\tserver\tpartition\tacl\nuser.ann\treserved\tbe1\tfast\t\n",
  });
  expect(await runCommand(activateProgram, { master }, "--yes", "user.ann", "be1!fast")).toMatchObject({ code: 64 });
  expect(await runCommand(activateProgram, { master }, "--yes", "user.ann", "be1", "ann lrs")).toMatchObject({
    code: 64,
  });
  expect(await runCommand(deactivateProgram, { master }, "--yes", "user.zoe")).toMatchObject({ code: 69 });
});

test("activate refuses what is no ACL instead of giving less than was meant", async () => {
  const registry = emptyRegistry([ann]);
  const master = sessionOptions(registry);
  for (const acl of ["anyone", "ann lrs anyone", "ann lrsZ"]) {
    expect(await runCommand(activateProgram, { master }, "--yes", "user.ann", "be1!fast", acl)).toMatchObject({
      code: 64,
    });
  }
  expect(registry.find(ann.name)).toEqual(ann);
  expect(await runCommand(activateProgram, { master }, "--yes", "user.ann", "be1!fast", "")).toMatchObject({ code: 0 });
  expect(registry.find(ann.name)?.acl as string).toBe("");
});

test("delete removes a name, and ends with 1 when there is none", async () => {
  const registry = emptyRegistry([ann]);
  const master = sessionOptions(registry);
  expect(await runCommand(deleteProgram, { master }, "--yes", "user.ann")).toEqual({
    code: 0,
    stdout: "",
    stderr: [
      'Now: "user.ann" is active at be1!default, ACL "ann lrs, anyone lr"',
      "Warning: Whether be1 still has it is not known: there is no password for it",
      '"user.ann" is deleted',
      "",
    ].join("\n"),
  });
  expect(registry.size).toBe(0);
  expect(await runCommand(deleteProgram, { master }, "--yes", "user.ann")).toMatchObject({ code: 1 });
});

test("watch prints each change with what was there before, until --limit", async () => {
  const registry = emptyRegistry([ann]);
  const steps = [
    () => registry.reserve(mailboxName("user.carl"), bob.location),
    () => registry.activate(mailboxName("user.carl"), bob.location, ann.acl),
    () => registry.remove(ann.name),
  ];
  const next = () => void steps.shift()?.();
  const running = runCommand(
    watchProgram,
    { master: sessionOptions(registry), whenStreaming: next, onWrite: next },
    "--limit",
    "3",
  );
  expect(await running).toEqual({
    code: 0,
    stderr: "",
    stdout: [
      "2026-01-02T03:04:05.000Z user.carl: not there → reserved at be1!default",
      "2026-01-02T03:04:05.000Z user.carl: reserved at be1!default → active at be1!default (ann lrs, anyone lr)",
      "2026-01-02T03:04:05.000Z user.ann: active at be1!default (ann lrs, anyone lr) → not there",
      "",
    ].join("\n"),
  });
});

test("watch --json gives positions, and --since begins behind one", async () => {
  const registry = emptyRegistry([ann]);
  const master = sessionOptions(registry);
  const whenStreaming = () => void registry.remove(ann.name);
  const { stdout } = await runCommand(watchProgram, { master, whenStreaming }, "--limit", "1", "--json");
  const { feed, sequence } = registry.position;
  expect(JSON.parse(stdout)).toEqual({
    time: "2026-01-02T03:04:05.000Z",
    position: `${feed}:${sequence}`,
    name: "user.ann",
    state: null,
    location: null,
    acl: null,
    wasKnown: true,
    wasState: "active",
    wasLocation: "be1!default",
    wasAcl: ["ann lrs", "anyone lr"],
  });
  await registry.reserve(bob.name, bob.location);
  const since = await runCommand(
    watchProgram,
    { master: sessionOptions(registry) },
    ...["--since", `${feed}:${sequence}`, "--limit", "1"],
  );
  expect(since).toMatchObject({
    code: 0,
    stdout: "2026-01-02T03:04:05.000Z user.bob: ? → reserved at be1!default\n",
  });
  const lost = await runCommand(watchProgram, { master: sessionOptions(registry) }, "--since", "other:3");
  expect(lost).toMatchObject({
    code: 69,
    stderr: 'ctl_mupdate: mu.lab no longer knows what changed since "other:3"\n',
  });
});

test("watch --since tells once what a name that changed several times has become", async () => {
  const registry = emptyRegistry([ann]);
  const { sequence } = registry.position;
  await registry.reserve(bob.name, bob.location);
  await registry.activate(bob.name, bob.location, ann.acl);
  await registry.remove(ann.name);
  const master = sessionOptions(registry);
  const stop = new AbortController();
  const { stdout } = await runCommand(
    watchProgram,
    { master, whenStreaming: () => stop.abort(), stop: stop.signal },
    ...["--since", String(sequence), "--tsv"],
  );
  const lines = stdout.split("\n").slice(1, -1);
  expect(lines.map((line) => line.split("\t").slice(2, 4).join(" "))).toEqual(["user.bob active", "user.ann "]);
});

test("watch works with a master that is not ours; only --since does not", async () => {
  const registry = emptyRegistry([ann]);
  const world = { master: sessionOptions(registry), banner: cyrusBanner };
  const whenStreaming = () => void registry.remove(ann.name);
  expect(await runCommand(watchProgram, { ...world, whenStreaming }, "--limit", "1")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("→ not there"),
  });
  expect(await runCommand(watchProgram, world, "--since", "3")).toMatchObject({ code: 69 });
});

test("watch ends with 0 at Ctrl-C and --timeout, with 75 when the master is lost", async () => {
  const registry = emptyRegistry([ann]);
  const master = sessionOptions(registry);
  const stop = new AbortController();
  const whenStreaming = () => stop.abort();
  expect(await runCommand(watchProgram, { master, whenStreaming, stop: stop.signal })).toMatchObject({ code: 0 });
  expect(await runCommand(watchProgram, { master, whenStreaming: (client) => client.logout() })).toMatchObject({
    code: 75,
    stderr: "ctl_mupdate: mu.lab is lost: logged out\n",
  });
  const clock = new ManualClock();
  const late = () => clock.advance(3000);
  expect(await runCommand(watchProgram, { master, clock, whenStreaming: late }, "--timeout", "3")).toMatchObject({
    code: 0,
  });
});

const status: ServerStatus = {
  role: "master",
  server: "mu.lab",
  version: "1",
  feed: "f",
  sequence: 120,
  entries: 3,
  uptimeMs: 3_600_000,
  peers: [
    {
      ...{ address: "192.0.2.7", user: "murder", kind: "replica", name: "fe1", connectedMs: 60_000, queued: 2 },
      ...{ report: { sequence: 118, entries: 3 }, reportedMs: 10, lagEntries: 2, lagMs: 40 },
    },
    {
      ...{ address: "192.0.2.8", user: "murder", kind: "backend", name: "be1", connectedMs: 90_000, queued: 0 },
      ...{ report: { mailboxes: 2, outbox: 1, oldestMs: 900, lastReconcileMs: 0, lastReconcile: "" } },
      ...{ reportedMs: 10, lagEntries: undefined, lagMs: undefined },
    },
    {
      ...{ address: "192.0.2.9", user: "murder", kind: "client", name: "", connectedMs: 5, queued: 0 },
      ...{ report: undefined, reportedMs: undefined, lagEntries: undefined, lagMs: undefined },
    },
  ],
};

test("status --all shows clients too, --json every field", async () => {
  const master = sessionOptions(emptyRegistry(), { status: () => status });
  const { stdout } = await runCommand(statusProgram, { master }, "--all", "--json");
  const rows = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
  expect(rows.map(({ role }) => role)).toEqual(["master", "backend", "client", "replica"]);
  expect(rows[1]).toEqual({
    ...{ role: "backend", name: "be1", address: "192.0.2.8", user: "murder", state: null, entries: 2, sequence: null },
    ...{ lag: null, lagMs: null, queued: 0, outbox: 1, oldestMs: 900, up: 90, lastSync: null, lastSyncResult: null },
  });
});

test("status shows the master, its replicas and its backends", async () => {
  const registry = emptyRegistry([ann]);
  const master = sessionOptions(registry, { status: () => status });
  expect(await runCommand(statusProgram, { master })).toEqual({
    code: 0,
    stderr: "",
    stdout: [
      "ROLE     NAME    ADDRESS    USER    STATE  ENTRIES  SEQUENCE  LAG  LAGMS  QUEUED  OUTBOX  OLDESTMS          UP  LASTSYNC  LASTSYNCRESULT",
      "master   mu.lab                                  3       120                                         1 h 0 min",
      "backend  be1     192.0.2.8  murder               2                             0       1       900  1 min 30 s",
      "replica  fe1     192.0.2.7  murder               3       118    2     40       2                     1 min 0 s",
      "",
    ].join("\n"),
  });
});

test("status of a master that is not ours shows what can be known and says so", async () => {
  const world = { master: sessionOptions(emptyRegistry([ann, bob])), banner: cyrusBanner };
  const { code, stdout, stderr } = await runCommand(statusProgram, world, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ role: "master", name: "cyrus.lab", entries: 2, lag: null });
  expect(stderr).toBe(
    "ctl_mupdate: cyrus.lab (Cyrus 3.6.1) has no X-IATLAS: its replicas and backends are not known\n",
  );
});
