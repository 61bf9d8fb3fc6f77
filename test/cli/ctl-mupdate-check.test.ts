// ctl_mupdate check: what it finds, what it must not find, and its exit codes.

import { expect, test } from "bun:test";
import { ManualClock, systemClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { checkProgram } from "../../lib/cli/mupdate/check.ts";
import { lastingDifferences } from "../../lib/cli/mupdate/differences.ts";
import { deleteProgram } from "../../lib/cli/mupdate/repair.ts";
import type { Records, Side } from "../../lib/cli/mupdate/side.ts";
import { LiveList } from "../../lib/cli/mupdate/whole-list.ts";
import type { PeerStatus } from "../../lib/mupdate/extension.ts";
import type { MailboxRecord } from "../../lib/mupdate/record.ts";
import { MurderRouter } from "../../lib/murder/router.ts";
import { entry, listOf } from "../support/imap-session.ts";
import { backend, emptyStatus, runCommand, type ToolsWorld } from "../support/mupdate-tools.ts";
import { active, connectTo, emptyRegistry, reserved, sessionOptions } from "../support/mupdate-world.ts";

const annRights = "ann lrswipkxtecda";
const annAcl = "ann\tlrswipkxtecda\t";

interface Planted {
  readonly master: readonly MailboxRecord[];
  readonly replica?: readonly MailboxRecord[];
  readonly be1?: readonly ReturnType<typeof entry>[];
  readonly be2?: readonly ReturnType<typeof entry>[];
}

async function check(planted: Planted, argv: readonly string[] = [], more: Partial<ToolsWorld> = {}) {
  const { master, replica = master, be1 = [], be2 = [] } = planted;
  const lists = { be1: await listOf(...be1), be2: await listOf(...be2) };
  const world: ToolsWorld = {
    master: sessionOptions(emptyRegistry(master), { status: emptyStatus }),
    replicas: { fe1: sessionOptions(emptyRegistry(replica)) },
    backends: { be1: () => backend("be1", lists.be1), be2: () => backend("be2", lists.be2) },
    clock: systemClock,
    ...more,
  };
  return runCommand(checkProgram, world, "--grace", "0", "--tsv", "--replica", "fe1", ...argv);
}

/** Kind, source and name of each row. */
function rowsOf(stdout: string): string[] {
  return stdout
    .split("\n")
    .slice(1, -1)
    .map((line) => line.split("\t").slice(0, 3).join(" "));
}

const ann = active("user.ann", "be1!default", annAcl);
const carl = active("user.carl", "be2!default", "carl\tlrswipkxtecda\t");
const annHere = entry("user.ann", annRights);
const carlHere = entry("user.carl", "carl lrswipkxtecda");

test("check says nothing when master, replica and backends agree, whatever separator the backends have", async () => {
  const planted = { master: [ann, carl], be1: [annHere], be2: [carlHere] };
  expect(await check(planted)).toEqual({ code: 0, stdout: "", stderr: "" });
  const list = await listOf(annHere, entry("user.ann.a^b", annRights));
  const slashes = { be1: () => backend("be1", list, "cyrus", { unixhierarchysep: true }) };
  const deep = { master: [ann, active("user.ann.a^b", "be1!default", annAcl)] };
  expect(await check(deep, [], { backends: slashes })).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("check finds what a replica lacks, has too many, and has otherwise", async () => {
  const moved = active("user.carl", "be1!default", carl.acl);
  const { code, stdout } = await check({
    master: [ann, carl, active("user.eve", "be1!default")],
    replica: [ann, moved, active("user.old", "be1!default")],
    be1: [annHere, entry("user.eve")],
    be2: [carlHere],
  });
  expect(rowsOf(stdout)).toEqual(["different fe1 user.carl", "missing fe1 user.eve", "stale fe1 user.old"]);
  expect(code).toBe(1);
});

test("check finds on backends what is missing, stale, different, conflicting and reserved (S163–S168)", async () => {
  const { code, stdout } = await check({
    master: [ann, carl, active("user.gone", "be2!default"), reserved("user.half", "be1!default")],
    be1: [entry("user.ann", "ann lr"), entry("user.new")],
    be2: [carlHere, annHere],
  });
  expect(rowsOf(stdout)).toEqual([
    "different be1 user.ann",
    "conflicting be2 user.ann",
    "stale be2 user.gone",
    "reserved be1 user.half",
    "missing be1 user.new",
  ]);
  expect(code).toBe(1);
  const forgotten = { master: [reserved("user.ann", "be1!default")], be1: [annHere] };
  expect(rowsOf((await check(forgotten)).stdout)).toEqual(["different be1 user.ann"]);
});

test("check --names-only and --only leave out what was not asked for", async () => {
  const planted = { master: [ann], replica: [], be1: [entry("user.ann", "ann lr")] };
  expect(await check(planted, ["--names-only", "--only", "backends"])).toMatchObject({ code: 0, stdout: "" });
  expect(rowsOf((await check(planted, ["--only", "replicas"])).stdout)).toEqual(["missing fe1 user.ann"]);
});

test("check compares this machine's own list: a backend's mailboxes, a frontend's copy", async () => {
  const list = await listOf(annHere, entry("user.new"), entry("user.far", "", { server: "be2" }));
  const local = ["--only", "local"];
  const config = { servername: "be1", mupdate_server: "mu.lab", proxyservers: ["murder"] };
  const onBackend = await check({ master: [ann] }, local, { list, config });
  expect(rowsOf(onBackend.stdout)).toEqual(["missing be1 user.new"]);
  const { proxyservers: _, ...frontend } = { ...config, servername: "fe2", configdirectory: "/nonexistent" };
  const onFrontend = await check({ master: [ann] }, local, { list, config: frontend });
  expect(rowsOf(onFrontend.stdout)).toEqual(["missing fe2 user.ann", "stale fe2 user.far"]);
});

test("check ends with 75 when somebody cannot be asked, with 1 when it finds a difference beside", async () => {
  const away = () => Promise.reject(new No("UNAVAILABLE", 'Cannot connect to "be2": connection refused'));
  const list = await listOf(annHere);
  const backends = { be1: () => backend("be1", list), be2: away };
  const silent = await check({ master: [ann, carl] }, [], { backends });
  expect(silent).toEqual({
    code: 75,
    stdout: "",
    stderr: 'ctl_mupdate: Cannot ask be2: Cannot connect to "be2": connection refused\n',
  });
  expect(await check({ master: [ann, carl], replica: [] }, [], { backends })).toMatchObject({ code: 1 });
  const unknown = await check({ master: [ann, carl] }, [], { backends: { be1: backends.be1 } });
  expect(unknown).toEqual({
    code: 0,
    stdout: "",
    stderr: "ctl_mupdate: be2 is not asked: there is no password for it\n",
  });
});

test("check does not believe a backend that shows it less than an administrator sees", async () => {
  const list = await listOf(annHere, entry("shared.news", "anyone lr"));
  const master = [ann, active("shared.news", "be1!default", "anyone\tlr\t")];
  for (const user of ["proxy", "bob"]) {
    const answer = await check({ master }, [], { backends: { be1: () => backend("be1", list, user) } });
    expect(answer).toMatchObject({ code: 77, stdout: "", stderr: expect.stringContaining("no administrator of") });
  }
});

test("check believes a backend that has told the master that its list is empty", async () => {
  const be1: PeerStatus = {
    ...{ address: "192.0.2.8", user: "murder", kind: "backend", name: "be1", connectedMs: 9, queued: 0 },
    ...{ report: { mailboxes: 0, outbox: 0, oldestMs: 0, lastReconcileMs: 0, lastReconcile: "" }, reportedMs: 1 },
    ...{ lagEntries: undefined, lagMs: undefined },
  };
  const master = sessionOptions(emptyRegistry([ann]), { status: () => ({ ...emptyStatus(), peers: [be1] }) });
  const { code, stdout } = await check({ master: [ann] }, [], { master });
  expect(rowsOf(stdout)).toEqual(["stale be1 user.ann"]);
  expect(code).toBe(1);
});

test("check knows what a unified server only lists from what it has", async () => {
  const list = await listOf(
    annHere,
    entry("user.carl", "", { server: "be2" }),
    entry("user.dora", "", { server: "be2" }),
  );
  const router = new MurderRouter({
    ...{ list, ownServer: "be1", keepsMailboxes: true, hasVirtualDomains: false, catchUp: async () => true },
    openLinks: () => {
      throw new Error("a referral needs no connection");
    },
  });
  const unified = { be1: () => backend("be1", list, "cyrus", { mupdate_config: "unified" }, router) };
  const master = [ann, carl, active("user.dora", "be2!default")];
  expect(await check({ master }, ["--only", "backends", "--names-only"], { backends: unified })).toMatchObject({
    code: 0,
    stdout: "",
  });
});

test("check --json tells every difference in one object", async () => {
  const world = {
    master: sessionOptions(emptyRegistry([ann]), { status: emptyStatus }),
    backends: { be1: async () => backend("be1", await listOf()) },
    clock: systemClock,
  };
  const { stdout } = await runCommand(
    checkProgram,
    { ...world, replicas: { fe1: sessionOptions(emptyRegistry()) } },
    ...["--json", "--grace", "0", "--only", "replicas", "--replica", "fe1"],
  );
  expect(JSON.parse(stdout)).toEqual({
    kind: "missing",
    source: "fe1",
    name: "user.ann",
    there: null,
    master: "be1!default",
    text: "user.ann: the master has it at be1!default, fe1 does not have it",
  });
});

test("delete warns when the backend still has the mailbox", async () => {
  const registry = emptyRegistry([ann]);
  const list = await listOf(annHere);
  const world = { master: sessionOptions(registry), backends: { be1: () => backend("be1", list) } };
  const warned = async (more: Partial<ToolsWorld>, ...argv: string[]) => {
    const { stderr } = await runCommand(deleteProgram, { ...world, ...more }, "--dry-run", "user.ann", ...argv);
    return stderr.split("\n").filter((line) => line.startsWith("Warning: "));
  };
  const still = "Warning: be1 still has it: it will be out of reach";
  expect(await warned({})).toEqual([still]);
  expect(await warned({ backends: {}, list, config: { servername: "be1" } })).toEqual([still]);
  const gone = { be1: async () => backend("be1", await listOf()) };
  expect(await warned({ backends: gone })).toEqual([
    'Warning: Whether be1 still has it is not known: "proxy" is not shown it, and need not be an administrator (--admin)',
  ]);
  expect(await warned({ backends: gone }, "--admin", "cyrus")).toEqual([]);
});

/** A side that says at each look what is next in line. */
function sideSaying(...answers: readonly (readonly MailboxRecord[])[]): Side & { readonly looks: number } {
  const left = [...answers];
  return {
    source: "fe1",
    kind: "replica",
    looks: 0,
    async look(): Promise<Records> {
      const records = left.length > 1 ? left.shift()! : left[0]!;
      return new Map(records.map((record) => [record.name, record]));
    },
    close() {},
  };
}

async function lasting(side: Side, clock: ManualClock) {
  const master = await LiveList.open(await connectTo(sessionOptions(emptyRegistry([ann, carl]))));
  const comparing = lastingDifferences({ master, sides: [side], graceMs: 5000, clock });
  let isOver = false;
  void comparing.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(500);
  }
  master.close();
  return (await comparing).differences.map(({ kind, name }) => `${kind} ${name}`);
}

test("what has caught up within the grace is no difference, what is still the same is one", async () => {
  expect(await lasting(sideSaying([ann], [ann, carl]), new ManualClock())).toEqual([]);
  expect(await lasting(sideSaying([], [ann]), new ManualClock())).toEqual(["missing user.carl"]);
});

test("a name that keeps changing is no difference", async () => {
  const other = active("user.carl", "be9!default");
  const old = active("user.carl", "be8!default");
  const restless = sideSaying([ann], [ann, other], [ann], [ann, old], [ann], [ann, other], [ann], [ann, carl]);
  expect(await lasting(restless, new ManualClock())).toEqual([]);
});
