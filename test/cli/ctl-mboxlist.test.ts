// ctl_mboxlist as an administrator runs it: dump, undump and verify on a list of its own.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { claimSingleRun } from "../../lib/daemon/single-run.ts";
import type { Acl } from "../../lib/mailbox/acl.ts";
import { ListTool, listEntry } from "../support/list-tool.ts";

const ann = listEntry("user.ann", { acl: "ann\tlrswipkxtecdan\t" as Acl, uidValidity: 7 });
const bob = listEntry("user.bob", { acl: "bob\tlrs\t" as Acl });

test("ctl_mboxlist -u loads what -d wrote, and says what it did", async () => {
  using source = new ListTool("ctl_mboxlist");
  await source.put(ann, bob);
  const dumped = await source.run(["-d"]);
  expect(dumped).toMatchObject({ code: 0, stderr: "" });
  using target = new ListTool("ctl_mboxlist");
  const loaded = await target.run(["-u"], dumped.stdout);
  expect(loaded).toEqual({ code: 0, stdout: "", stderr: "2 loaded, 0 replaced, 0 as they were, 0 skipped\n" });
  expect(target.entries()).toEqual(source.entries());
  const again = await target.run(["-u", "--json"], dumped.stdout);
  expect(JSON.parse(again.stdout)).toMatchObject({ form: "json", isLoaded: true, loaded: 0, replaced: [], same: 2 });
});

test("ctl_mboxlist -u loads nothing of a dump with one wrong line, and names it", async () => {
  using tool = new ListTool("ctl_mboxlist");
  await tool.put(ann);
  const dumped = (await tool.run(["-dL"])).stdout;
  const result = await tool.run(["-u"], `user.new\t0 default \n${dumped}user.bad\t0 nowhere \n`);
  expect(result).toEqual({
    code: 65,
    stdout: "",
    stderr: 'line 3: user.bad is on partition "nowhere", which is not configured here\nNothing is loaded\n',
  });
  expect(tool.entries()).toEqual({ "user.ann": ann });
});

test("ctl_mboxlist -u replaces only what it is told to, and shows what changes", async () => {
  using tool = new ListTool("ctl_mboxlist");
  await tool.put(ann);
  const dump = "user.ann\t0 default ann\tl\t\nuser.new\t0 default \n";
  const change = 'Replace user.ann: acl "ann\\tlrswipkxtecdan\\t" -> "ann\\tl\\t"\n';
  const refused = await tool.run(["-u"], dump);
  expect(refused).toMatchObject({ code: 69, stdout: "" });
  expect(refused.stderr).toContain(change);
  expect(refused.stderr).toContain('1 mailboxes of the list would be replaced ("user.ann"): use --replace');
  expect(Object.keys(tool.entries())).toEqual(["user.ann"]);
  const dry = await tool.run(["-uw"], dump);
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining(change) });
  expect(Object.keys(tool.entries())).toEqual(["user.ann"]);
  expect((await tool.run(["-u", "--replace"], dump)).code).toBe(0);
  expect(tool.entries()["user.ann"]).toEqual({ ...ann, acl: "ann\tl\t" as Acl });
});

test("ctl_mboxlist -u and -dx leave a list alone that a server has open, without --force", async () => {
  using tool = new ListTool("ctl_mboxlist");
  await tool.put(ann);
  const server = tool.open(); // the test's own process stands for the server
  const refused = await tool.run(["-u"], "user.new\t0 default \n");
  expect(refused).toMatchObject({ code: 75, stdout: "" });
  expect(refused.stderr).toMatch(/mailboxes\.db is in use by \S+ \d+: stop the server first, or use --force/);
  expect(await tool.run(["-dx"])).toMatchObject({ code: 75, stdout: "" });
  expect((await tool.run(["-u", "--force"], "user.new\t0 default \n")).code).toBe(0);
  server.close();
  expect(Object.keys(tool.entries())).toEqual(["user.ann", "user.new"]);
});

test("ctl_mboxlist -dxp takes out of the list what it wrote, and nothing else", async () => {
  using tool = new ListTool("ctl_mboxlist");
  await tool.put(ann, { ...bob, partition: "fast" });
  const dry = await tool.run(["-dx", "-p", "fast", "--dry-run"]);
  expect(dry).toMatchObject({ code: 0, stderr: "Would be 1 removed from the list\n" });
  const done = await tool.run(["-dx", "-p", "fast"]);
  expect(done).toEqual({ code: 0, stdout: dry.stdout, stderr: "1 removed from the list\n" });
  expect(Object.keys(JSON.parse(done.stdout))).toEqual(["user.bob"]);
  expect(tool.entries()).toEqual({ "user.ann": ann });
});

test("ctl_mboxlist -v is silent when all is well, and otherwise ends with 1", async () => {
  using tool = new ListTool("ctl_mboxlist");
  await tool.put(ann);
  tool.makeFolder(ann.uniqueId);
  expect(await tool.run(["-v"])).toEqual({ code: 0, stdout: "", stderr: "" });
  await tool.put(bob);
  const line = "'user.bob' has a DB entry but no directory on partition 'default'";
  expect(await tool.run(["-v"])).toEqual({ code: 1, stdout: `${line}\n`, stderr: "" });
  const { code, stdout } = await tool.run(["-v", "--json"]);
  expect({ code, finding: JSON.parse(stdout) }).toEqual({
    code: 1,
    finding: { problem: "no-directory", name: "user.bob", uniqueid: "id-user-bob", partition: "default", text: line },
  });
});

test("ctl_mboxlist ends with 75 when another run is under way; -d and dry runs do not care", async () => {
  using tool = new ListTool("ctl_mboxlist");
  const run = claimSingleRun(tool.folder, "ctl_mboxlist");
  const second = await tool.run(["-u"], "user.new\t0 default \n");
  expect(second).toMatchObject({ code: 75, stdout: "" });
  expect(second.stderr).toBe(
    `ctl_mboxlist: Another run is under way (process ${process.pid} has locked ${tool.folder}/ctl_mboxlist.lock)\n`,
  );
  expect((await tool.run(["-d"])).code).toBe(0);
  expect((await tool.run(["-uw"], "user.new\t0 default \n")).code).toBe(0);
  run.release();
});

test("ctl_mboxlist -d is whole and in order while a server writes the list", async () => {
  using tool = new ListTool("ctl_mboxlist");
  const many = Array.from({ length: 3000 }, (_, at) => listEntry(`user.u${String(at).padStart(4, "0")}`));
  await tool.put(...many);
  const server = tool.open();
  const dumping = tool.run(["-d"]);
  let isDone = false;
  void dumping.then(() => {
    isDone = true;
  });
  for (let at = 0; !isDone; at++) await server.change([{ put: listEntry(`user.x${at}`) }]);
  server.close();
  const { code, stdout } = await dumping;
  const names = Object.keys(JSON.parse(stdout));
  expect(code).toBe(0);
  expect(names.filter((name) => name.startsWith("user.u"))).toEqual(many.map(({ name }) => name));
  expect(names).toEqual([...names].sort());
});

test("ctl_mboxlist -f reads and writes another list, and makes one only with -u", async () => {
  using tool = new ListTool("ctl_mboxlist");
  const other = join(tool.folder, "other.db");
  expect((await tool.run(["-d", "-f", other])).code).toBe(66);
  expect(existsSync(other)).toBe(false);
  expect((await tool.run(["-u", "-f", other], "user.new\t0 default \n")).code).toBe(0);
  expect(Object.keys(JSON.parse((await tool.run(["-d", "-f", other])).stdout))).toEqual(["user.new"]);
  expect(tool.entries()).toEqual({});
});

test("ctl_mboxlist ends with 64 for a wrong command line and 78 for -m without a master", async () => {
  using tool = new ListTool("ctl_mboxlist");
  expect((await tool.run([])).code).toBe(64);
  expect(await tool.run(["-m"])).toMatchObject({
    code: 78,
    stderr: "ctl_mboxlist: mupdate_server is not set: there is no master to agree with\n",
  });
  expect(await tool.run(["-k"])).toEqual({ code: 0, stdout: "", stderr: "" });
});
