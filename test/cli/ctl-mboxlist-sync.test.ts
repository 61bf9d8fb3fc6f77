// ctl_mboxlist -m as an administrator or cron runs it, against a master: what it plans, does, refuses and keeps quiet about.

import { expect, test } from "bun:test";
import { type SyncSite, synchronize } from "../../lib/cli/mboxlist/sync.ts";
import { loadConfig } from "../../lib/config/load-config.ts";
import type { Acl } from "../../lib/mailbox/acl.ts";
import { ListTool, listEntry } from "../support/list-tool.ts";
import { active, connectTo, mailboxName, sessionOptions } from "../support/mupdate-world.ts";

const ann = listEntry("user.ann", { acl: "ann\tlrs\t" as Acl });
const bob = listEntry("user.bob", { acl: "bob\tlrs\t" as Acl });
const stale = active("user.stale", "be1.lab!default");

function backend(more: readonly string[] = []): ListTool {
  const tool = new ListTool("ctl_mboxlist");
  tool.configure([...tool.masterLines, ...more]);
  return tool;
}

test("ctl_mboxlist -m announces what is here, withdraws what is not, and then has nothing to say (S163, S165)", async () => {
  using tool = backend();
  await tool.put(ann, bob);
  using master = await tool.serve([stale, active("user.bob", "be1.lab!default", "bob\tl\t")]);
  const plan = ["Remove from MUPDATE: user.stale", "Force Activate: user.bob", "Force Activate: user.ann", ""].join(
    "\n",
  );
  expect(await tool.run(["-mw"])).toEqual({ code: 0, stdout: plan, stderr: "" });
  expect(master.registry.find(stale.name)).toBeDefined();
  expect(await tool.run(["-m"])).toEqual({ code: 0, stdout: "", stderr: plan });
  expect(master.registry.find(stale.name)).toBeUndefined();
  for (const { name, acl } of [ann, bob]) {
    expect(master.registry.find(name)).toEqual(active(name, "be1.lab!default", acl));
  }
  expect(await tool.run(["-m"])).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("ctl_mboxlist -m moves a mailbox that another server has to quarantine and says where (S164, S167)", async () => {
  using tool = backend();
  await tool.put(ann, bob);
  using master = await tool.serve([
    active("user.ann", "be2.lab!default"),
    active("user.bob", "be1.lab!default", bob.acl),
  ]);
  const { code, stdout } = await tool.run(["-m", "--json"]);
  const { plan, outcome } = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(plan.quarantine).toEqual([{ name: "user.ann", here: "be1.lab!default", master: "be2.lab!default" }]);
  expect(outcome).toMatchObject({ activated: 0, removed: 0, failures: [], quarantined: [{ name: "user.ann" }] });
  const [{ to }] = outcome.quarantined;
  expect(tool.entries()).toMatchObject({ [to]: { uniqueId: ann.uniqueId }, "user.bob": {} });
  expect(master.registry.find(ann.name)?.location).toBe(active("x", "be2.lab!default").location);
  expect(master.registry.find(to)?.location).toBe(active("x", "be1.lab!default").location);
});

test("ctl_mboxlist -ma takes a mailbox for ours that the master has elsewhere", async () => {
  using tool = backend();
  await tool.put(ann);
  using master = await tool.serve([active("user.ann", "be2.lab!default")]);
  expect((await tool.run(["-ma"])).code).toBe(0);
  expect(master.registry.find(ann.name)?.location).toBe(active("x", "be1.lab!default").location);
});

test("ctl_mboxlist -m refuses a plan beyond --max-delete, in numbers and shares, until it is forced", async () => {
  using tool = backend();
  await tool.put(ann);
  using master = await tool.serve([stale, active("user.old", "be1.lab!default")]);
  for (const most of ["1", "50%"]) {
    const refused = await tool.run(["-m", "--max-delete", most]);
    expect(refused).toMatchObject({ code: 75, stdout: "" });
    expect(refused.stderr).toContain("Refusing to withdraw 2 of the 2 mailboxes");
  }
  expect(master.registry.find(stale.name)).toBeDefined();
  expect((await tool.run(["-m", "--max-delete", "2"])).code).toBe(0);
  expect(master.registry.find(stale.name)).toBeUndefined();
});

test("ctl_mboxlist -m on an empty list withdraws nothing without --force, and says so with -w", async () => {
  using tool = backend();
  using master = await tool.serve([stale]);
  expect((await tool.run(["-m"])).code).toBe(75);
  const dry = await tool.run(["-mw"]);
  expect(dry).toMatchObject({ code: 0, stdout: "Remove from MUPDATE: user.stale\n" });
  expect(dry.stderr).toContain("the mailbox list here is empty (--force or --max-delete carries it out)");
  expect(master.registry.find(stale.name)).toBeDefined();
  expect((await tool.run(["-m", "--force"])).code).toBe(0);
  expect(master.registry.find(stale.name)).toBeUndefined();
});

test("ctl_mboxlist -mi changes nothing where nobody can be asked", async () => {
  using tool = backend();
  await tool.put(ann);
  using master = await tool.serve();
  const asked = await tool.run(["-mi"]);
  expect(asked).toMatchObject({ code: 64, stdout: "" });
  expect(asked.stderr).toStartWith("Force Activate: user.ann\n");
  expect(master.registry.find(ann.name)).toBeUndefined();
});

test("ctl_mboxlist -mi does what it asks about after a yes, and nothing after a no", async () => {
  using tool = backend();
  await tool.put(ann);
  using master = await tool.serve();
  const { config } = loadConfig(tool.configuration);
  const given = { authoritative: false, isDryRun: false, force: false, json: false, "accept-servername": false };
  const options = { ...given, interactive: true, "max-delete": undefined };
  const list = tool.open();
  const asked: string[] = [];
  const answering = (answer: string): SyncSite => ({
    config,
    list,
    connect: () => connectTo(sessionOptions(master.registry)),
    openQuarantine: () => ({ move: async (name) => name, close: async () => {} }),
    asker: {
      isTerminal: true,
      ask(question) {
        asked.push(question);
        return answer;
      },
    },
  });
  expect(await synchronize(answering("n"), options)).toBe(1);
  expect(master.registry.find(ann.name)).toBeUndefined();
  expect(await synchronize(answering("y"), options)).toBe(0);
  expect(master.registry.find(ann.name)).toBeDefined();
  expect(await synchronize(answering("n"), options)).toBe(0);
  expect(asked).toEqual(Array(2).fill("OK to withdraw 0, announce 1, move 0 to quarantine? [y/N] "));
  list.close();
});

test("ctl_mboxlist -m detects a changed servername, and takes it over when it is told to", async () => {
  using tool = backend();
  await tool.put(ann);
  using master = await tool.serve();
  expect((await tool.run(["-m"])).code).toBe(0);
  tool.configure(["servername: new.lab", ...tool.masterLines]);
  const refused = await tool.run(["-m"]);
  expect(refused).toMatchObject({ code: 78, stdout: "" });
  expect(refused.stderr).toContain('announced as "be1.lab"');
  expect((await tool.run(["-mw"])).stderr).toContain('servername is "new.lab" and was "be1.lab"');
  expect(master.registry.find(ann.name)?.location).toBe(active("x", "be1.lab!default").location);
  expect((await tool.run(["-m", "--accept-servername"])).code).toBe(0);
  expect(master.registry.find(ann.name)?.location).toBe(active("x", "new.lab!default").location);
  expect(await tool.run(["-m"])).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("ctl_mboxlist -m ends with 75 when the master is away or silent", async () => {
  using tool = backend(["mupdate_response_timeout: 1"]);
  await tool.put(ann);
  expect((await tool.run(["-m"])).code).toBe(75);
  const silent = Bun.listen({ unix: `${tool.folder}/mu`, socket: { data() {} } });
  expect((await tool.run(["-m"])).code).toBe(75);
  silent.stop(true);
});

test("ctl_mboxlist -m leaves alone what another server has only reserved", async () => {
  using tool = backend();
  await tool.put(ann);
  using master = await tool.serve([{ ...active("user.ann", "be2.lab!default"), state: "reserved" }]);
  const { code, stderr } = await tool.run(["-m"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("Leave alone: user.ann") });
  expect(master.registry.find(mailboxName("user.ann"))?.state).toBe("reserved");
});
