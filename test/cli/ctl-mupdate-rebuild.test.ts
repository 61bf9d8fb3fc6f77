// ctl_mupdate rebuild: a master that has lost its list gets it back.

import { expect, test } from "bun:test";
import { systemClock } from "../../lib/base/clock.ts";
import { rebuildProgram } from "../../lib/cli/mupdate/rebuild.ts";
import type { BackendReport, PeerStatus } from "../../lib/mupdate/extension.ts";
import { entry, listOf } from "../support/imap-session.ts";
import { backend, emptyStatus, runCommand, type ToolsWorld } from "../support/mupdate-tools.ts";
import { active, emptyRegistry, reserved, sessionOptions } from "../support/mupdate-world.ts";

const annHere = entry("user.ann", "ann lrswipkxte");
const ann = active("user.ann", "be1!default", "ann\tlrswipkxtecd\t");

function peer(name: string, report: Partial<BackendReport>): PeerStatus {
  const told = { mailboxes: 1, outbox: 0, oldestMs: 0, lastReconcileMs: Date.now(), lastReconcile: "", ...report };
  return {
    ...{ address: "192.0.2.8", user: "murder", kind: "backend", name, connectedMs: 1000, report: told, reportedMs: 10 },
    ...{ queued: 0, lagEntries: undefined, lagMs: undefined },
  };
}

async function rebuild(world: Partial<ToolsWorld>, ...argv: string[]) {
  const registry = emptyRegistry();
  const master = sessionOptions(registry, { status: emptyStatus });
  const all = { master, clock: systemClock, ...world };
  return runCommand(rebuildProgram, all, "--tsv", "--timeout", "0", ...argv);
}

test("rebuild --pull announces what a backend has and the master lacks", async () => {
  const registry = emptyRegistry([reserved("user.bob", "be1!fast")]);
  const list = await listOf(annHere, entry("user.bob"), entry("user.eve"));
  const world = {
    master: sessionOptions(registry, { status: emptyStatus }),
    backends: { be1: () => backend("be1", list) },
  };
  expect(await rebuild(world, "--backend", "be1", "--pull", "--yes")).toEqual({
    code: 0,
    stderr: "mu.lab has 0 names\nbe1 is not connected\n",
    stdout: "backend\tannounced\tmailboxes\tproblem\nbe1\tpulled\t3\t\n",
  });
  expect([...registry.records()]).toEqual([ann, active("user.bob", "be1!fast"), active("user.eve", "be1!default")]);
});

test("rebuild leaves a name alone that another server has, and says so", async () => {
  const registry = emptyRegistry([active("user.ann", "be2!default")]);
  const list = await listOf(annHere);
  const world = {
    master: sessionOptions(registry, { status: emptyStatus }),
    backends: { be1: () => backend("be1", list) },
  };
  expect(await rebuild(world, "--backend", "be1", "--pull", "--yes")).toMatchObject({
    code: 75,
    stderr: expect.stringContaining("Left alone: user.ann on be1: the master has it at be2!default\n"),
    stdout: "backend\tannounced\tmailboxes\tproblem\nbe1\tpulled\t1\t1 not announced\n",
  });
  expect(registry.find(ann.name)?.location as string).toBe("be2!default");
});

test("rebuild waits for backends that announce themselves, and tells who refuses to", async () => {
  const refused = "refused: Refusing to withdraw all";
  const peers = [peer("be1", {}), peer("be2", { lastReconcile: refused })];
  const status = () => ({ ...emptyStatus(), entries: 7, peers });
  const registry = emptyRegistry([ann, active("user.bob", "be2!default")]);
  expect(await rebuild({ master: sessionOptions(registry, { status }) })).toEqual({
    code: 75,
    stderr: `mu.lab has 7 names\nbe1 has announced all it has\nbe2 is announcing: ${refused}\n`,
    stdout: `backend\tannounced\tmailboxes\tproblem\nbe1\titself\t1\t\nbe2\tnone\t1\t${refused}\n`,
  });
  let looks = 0;
  const slow = () => ({ ...emptyStatus(), peers: [peer("be1", { outbox: looks++ < 2 ? 1 : 0 })] });
  const master = sessionOptions(registry, { status: slow });
  expect(await runCommand(rebuildProgram, { master, clock: systemClock }, "--tsv", "--timeout", "30")).toMatchObject({
    code: 0,
    stdout: "backend\tannounced\tmailboxes\tproblem\nbe1\titself\t1\t\n",
  });
});

test("rebuild does not believe a report that the master's list does not bear out", async () => {
  const status = () => ({ ...emptyStatus(), peers: [peer("be1", { mailboxes: 2 })] });
  expect(await rebuild({ master: sessionOptions(emptyRegistry([ann]), { status }) })).toMatchObject({
    code: 75,
    stdout: "backend\tannounced\tmailboxes\tproblem\nbe1\tnone\t2\thas not announced all it has yet\n",
  });
  expect(await rebuild({})).toMatchObject({ code: 75, stderr: expect.stringContaining("No backend is known") });
});

test("rebuild asks before it goes on without a backend, and changes nothing with --dry-run", async () => {
  const question = "Wait for be1, whose names can be taken by other servers until then? [y/N] ";
  const refused = await rebuild({ answer: "n" }, "--backend", "be1");
  expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(question) });
  expect(await rebuild({}, "--backend", "be1")).toMatchObject({ code: 64 });
  expect(await rebuild({}, "--backend", "be1", "--dry-run")).toMatchObject({ code: 0, stdout: "" });
  expect(await rebuild({ answer: "y" }, "--backend", "be1")).toMatchObject({
    code: 75,
    stdout: "backend\tannounced\tmailboxes\tproblem\nbe1\tnone\t\tis not connected\n",
  });
});

test("rebuild knows from a frontend's copy of the list which backends there are", async () => {
  const list = await listOf(entry("user.ann", "", { server: "be1" }), entry("user.bob", "", { server: "be2" }));
  const config = { servername: "fe1", mupdate_server: "mu.lab" };
  const { stdout } = await rebuild({ list, config }, "--yes");
  expect(stdout.split("\n").map((line) => line.split("\t")[0])).toEqual(["backend", "be1", "be2", ""]);
});

test("rebuild refuses a replica", async () => {
  const banner = { role: "mupdate://mu.lab" };
  expect(await rebuild({ banner }, "--backend", "be1", "--yes")).toMatchObject({ code: 69 });
});
