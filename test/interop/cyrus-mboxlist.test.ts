// Dumps of mailbox lists between real Cyrus 3.6 and us, both ways, by each side's own ctl_mboxlist.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Acl } from "../../lib/mailbox/acl.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import { runWell } from "../support/client-program.ts";
import { type Finished, runToEnd } from "../support/command-line.ts";
import { cyrusPrograms, requireCyrus } from "../support/cyrus.ts";
import { ListTool, listEntry } from "../support/list-tool.ts";
import { MixedMurder, type MixedNode } from "../support/mixed-murder.ts";

/** A folder that Cyrus' tools work in. No server runs. */
class CyrusTool implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "cyrus-list-"));

  static async make(): Promise<CyrusTool> {
    requireCyrus();
    const tool = new CyrusTool();
    await tool.#prepare();
    return tool;
  }

  async #prepare(): Promise<void> {
    const inside = (name: string) => join(this.#folder, name);
    for (const name of ["conf/db", "conf/user", "proc", "lock", "spool"]) mkdirSync(inside(name), { recursive: true });
    const lines = [
      `configdirectory: ${inside("conf")}`,
      `proc_path: ${inside("proc")}`,
      `mboxname_lockpath: ${inside("lock")}`,
      "servername: be1.lab",
      "defaultpartition: default",
      `partition-default: ${inside("spool")}`,
    ];
    writeFileSync(inside("imapd.conf"), `${lines.join("\n")}\n`);
    await runWell(["chown", "-R", "cyrus:", this.#folder]);
  }

  run(argv: readonly string[], input = ""): Promise<Finished> {
    return runToEnd(join(cyrusPrograms, "ctl_mboxlist"), ["-C", join(this.#folder, "imapd.conf"), ...argv], input);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** Neither we nor an undump of Cyrus keep these times. */
function withoutTimes(dump: string): unknown {
  const entries: [string, object][] = Object.entries(JSON.parse(dump));
  return Object.fromEntries(
    entries.map(([name, entry]) => [name, { ...entry, mtime: "", createdmodseq: "", foldermodseq: "" }]),
  );
}

const local = [
  listEntry("user.ann", { acl: "ann\tlrswipkxtecdan\t-bob\tlr\t" as Acl, uidValidity: 1795450529 }),
  listEntry("user.ann.a-b"),
  listEntry("user.ann.a.b", { acl: 'group:staff\tlrs\tb\u00e9"q\\\tlr\t' as Acl }),
  listEntry("example.org!user.eve^x", { acl: "eve.x@example.org\tlrswipkxtecdan\t" as Acl }),
  listEntry("DELETED.user.gone.6B0466AF"),
  listEntry("user.utf.&ZeVnLIqe-"),
];
const others = [
  listEntry("user.bob", { server: "be2.lab", uniqueId: "" as UniqueId, uidValidity: 0, acl: "bob\tlrs\t" as Acl }),
  listEntry("user.far", { server: "be2.lab", partition: "", uniqueId: "" as UniqueId, uidValidity: 0 }),
  listEntry("user.taken", { state: "reserved" }),
  listEntry("user.going", { state: "moving", server: "be3.lab" }),
];

test("Cyrus loads our dump, of every kind of entry, and dumps the same", async () => {
  using ours = new ListTool("ctl_mboxlist");
  using cyrus = await CyrusTool.make();
  await ours.put(...local, ...others);
  const { stdout: dump } = await ours.run(["-d"]);
  expect(await cyrus.run(["-u"], dump)).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(withoutTimes((await cyrus.run(["-d"])).stdout)).toEqual(withoutTimes(dump));
}, 60_000);

test("we load Cyrus' dump, byte for byte as it wrote it, and dump the same", async () => {
  using first = new ListTool("ctl_mboxlist");
  using ours = new ListTool("ctl_mboxlist");
  using cyrus = await CyrusTool.make();
  await first.put(...local, ...others);
  await cyrus.run(["-u"], (await first.run(["-d"])).stdout);
  const { stdout: dump } = await cyrus.run(["-d"]);
  const loaded = await ours.run(["-u"], dump);
  expect(loaded).toEqual({ code: 0, stdout: "", stderr: "10 loaded, 0 replaced, 0 as they were, 0 skipped\n" });
  expect(withoutTimes((await ours.run(["-d"])).stdout)).toEqual(withoutTimes(dump));
  expect(ours.entries()).toEqual(first.entries());
}, 60_000);

test("we pass over Cyrus' tombstones, and tell of mailboxes that are none of mail", async () => {
  using ours = new ListTool("ctl_mboxlist");
  using cyrus = await CyrusTool.make();
  const keys = { uidvalidity: "5", createdmodseq: "1", foldermodseq: "2", partition: "default", acl: {} };
  const entries = {
    "user.gone": { ...keys, mbtype: "ed", uniqueid: "aaaa1111" },
    "user.ann.#calendars": { ...keys, mbtype: "c", uniqueid: "aaaa2222" },
  };
  await cyrus.run(["-u"], JSON.stringify(entries));
  const { stdout: dump } = await cyrus.run(["-d"]);
  const loaded = await ours.run(["-u"], dump);
  expect(loaded.code).toBe(0);
  expect(loaded.stderr).toContain("Skip user.gone is a tombstone (line 3)\n");
  expect(loaded.stderr).toContain('Note: user.ann.#calendars is of Cyrus\' type "c", here for mail (line 2)\n');
  expect(Object.keys(ours.entries())).toEqual(["user.ann.#calendars"]);
}, 60_000);

test("Cyrus loads our text dump of a backend's mailboxes", async () => {
  using ours = new ListTool("ctl_mboxlist");
  using cyrus = await CyrusTool.make();
  await ours.put(...local);
  const { stdout: text } = await ours.run(["-dL"]);
  expect(await cyrus.run(["-uL"], text)).toEqual({ code: 0, stdout: "", stderr: "" });
  const rough = (dump: string) => {
    const entries = Object.values<{ name: string; partition: string; acl: object }>(JSON.parse(dump));
    return new Map(entries.map(({ name, partition, acl }) => [name, { partition, acl }]));
  };
  expect(rough((await cyrus.run(["-d"])).stdout)).toEqual(rough((await ours.run(["-d"])).stdout));
}, 60_000);

test("-v finds a mailbox without a folder in Cyrus' words", async () => {
  using ours = new ListTool("ctl_mboxlist");
  using cyrus = await CyrusTool.make();
  await ours.put(listEntry("user.ann"), listEntry("user.bob", { partition: "p9" }));
  await cyrus.run(["-u"], (await ours.run(["-d"])).stdout);
  const [ann] = (await cyrus.run(["-v"])).stdout.split("\n");
  expect((await ours.run(["-v"])).stdout.split("\n")).toContain(ann ?? "nothing");
}, 60_000);

/** A backend's list and configuration, under that master. */
function backendOf(serverName: string, master: MixedNode, password: string): ListTool {
  const tool = new ListTool("ctl_mboxlist");
  tool.configure([
    `servername: ${serverName}`,
    ...tool.masterLines.filter((line) => !/^mupdate_(server|password)/.test(line)),
    `mupdate_server: ${master.address.replace("127.0.0.1", "localhost")}`,
    `mupdate_password: ${password}`,
    "allowplaintext: yes",
    "proxy_tls: off",
  ]);
  return tool;
}

test("ctl_mboxlist -m makes a real Cyrus master agree, twice the same, and yields to another server's mailbox", async () => {
  requireCyrus();
  await using murder = new MixedMurder();
  const master = await murder.cyrus("master");
  const password = murder.passwordOf("murder");
  using be1 = backendOf("be1.lab", master, password);
  using be2 = backendOf("be2.lab", master, password);
  const known = async () => {
    const conf = join(dirname(master.configDirectory), "imapd.conf");
    const { stdout } = await runToEnd(join(cyrusPrograms, "ctl_mboxlist"), ["-C", conf, "-d"]);
    const entries = Object.values<{ name: string; server: string; acl: object }>(JSON.parse(stdout));
    return new Map(entries.map(({ name, server, acl }) => [name, { server, acl }]));
  };
  await be1.put(listEntry("user.ann", { acl: "ann\tlrs\t" as Acl }), listEntry("user.bob"));
  await be1.put(listEntry("user.ann.x", { acl: "b\u00e9\tlrs\t" as Acl }));
  expect((await be1.run(["-m"])).code).toBe(0);
  expect(await known()).toEqual(
    new Map([
      ["user.ann", { server: "be1.lab", acl: { ann: "lrs" } }],
      ["user.ann.x", { server: "be1.lab", acl: { "b\u00e9": "lrs" } }],
      ["user.bob", { server: "be1.lab", acl: {} }],
    ]),
  );
  expect(await be1.run(["-m"])).toEqual({ code: 0, stdout: "", stderr: "" });

  const list = be1.open();
  await list.change([{ remove: listEntry("user.bob").name }]);
  list.close();
  expect((await be1.run(["-m"])).stderr).toBe("Remove from MUPDATE: user.bob\n");
  await be2.put(listEntry("user.ann"), listEntry("user.bob"));
  const yielded = await be2.run(["-m", "--json"]);
  const { outcome } = JSON.parse(yielded.stdout);
  expect({ code: yielded.code, moved: outcome.quarantined.length }).toEqual({ code: 0, moved: 1 });
  const after = await known();
  expect(after.get("user.ann")?.server).toBe("be1.lab");
  expect(after.get("user.bob")?.server).toBe("be2.lab");
  expect(after.get(outcome.quarantined[0].to)?.server).toBe("be2.lab");
}, 90_000);
