// The programs as an administrator starts them: a master, a replica that follows it, and a backend's ctl_mboxlist.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { loadConfig } from "../../lib/config/load-config.ts";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { kick, kickPath } from "../../lib/mupdate/kick.ts";
import { entryOf, locationOf } from "../../lib/mupdate/record.ts";
import { mupdateRegistrar } from "../../lib/murder/announce.ts";
import { connectToAnyMaster } from "../../lib/murder/master-connection.ts";
import { masterConnectionOptions } from "../../lib/murder/master-settings.ts";
import { PasswordFile } from "../../lib/sasl/password-file.ts";
import { active, mailboxName } from "../support/mupdate-world.ts";

const bin = join(import.meta.dir, "../../bin");
const folder = mkdtempSync(join(tmpdir(), "mupdate-"));
const running: Subprocess[] = [];
let port = 0;

beforeAll(async () => {
  port = await freePort();
  const passwords = new PasswordFile(join(folder, "sasldb2"), { create: true });
  await passwords.create("murder", "secret");
  passwords.close();
  for (const [node, more] of [
    ["mu", ""],
    ["fe", "mupdate_retry_delay: 1s"],
    ["be1", ""],
  ] as const) {
    mkdirSync(join(folder, node), { recursive: true });
    const lines = [
      `configdirectory: ${join(folder, node)}`,
      `servername: ${node}.lab`,
      "admins: murder",
      "log_target: stderr",
      "sasl_pwcheck_method: auxprop",
      `sasl_sasldb_path: ${join(folder, "sasldb2")}`,
      ...(node === "mu" ? [] : [`mupdate_server: 127.0.0.1:${port}`, "mupdate_authname: murder"]),
      ...(node === "mu" ? [] : ["mupdate_username: murder", "mupdate_password: secret"]),
      more,
    ];
    writeFileSync(confOf(node), `${lines.join("\n")}\n`);
  }
});

afterAll(async () => {
  for (const each of running) each.kill("SIGTERM");
  await Promise.all(running.map((each) => each.exited));
  rmSync(folder, { recursive: true });
});

test("ctl_mboxlist -m says with its exit code that the master is away", async () => {
  const { exitCode, stderr } = await runToEnd("ctl_mboxlist.ts", ["-C", confOf("be1"), "-m"]);
  expect(exitCode).toBe(75);
  expect(stderr).toContain("connection refused");
});

test("a replica process follows a master process, through kicks and the master's kill -9", async () => {
  const master = await startProgram("mupdate.ts", ["-C", confOf("mu"), "-m", "--listen", `127.0.0.1:${port}`]);
  await startProgram("mupdate.ts", ["-C", confOf("fe"), "--listen", "127.0.0.1:0"]);
  const { config } = loadConfig(confOf("fe"));
  const connection = masterConnectionOptions({
    config,
    tlsFor: () => ({
      serverName: "mu.lab",
      authorities: undefined,
      verify: false,
      client: undefined,
      handshakeTimeoutMs: 5000,
    }),
    clock: systemClock,
    log: silentLog,
  });
  const registrar = mupdateRegistrar({ connect: () => connectToAnyMaster(connection), log: silentLog });
  const ann = mailboxName("user.ann");
  const here = locationOf("be1.lab", "default");
  await registrar.reserve(ann, here);
  await registrar.activate(ann, here, active("x", "x", "ann\tlrs\t").acl);
  const list = openMailboxList({ path: config.mboxlist_db_path, readOnly: true, clock: systemClock });
  await kicked(config.configdirectory);
  expect(list.find(ann)?.server).toBe("be1.lab");

  master.kill("SIGKILL");
  await master.exited;
  expect(await kick(kickPath(config.configdirectory), 5000)).toBe(false);
  expect(list.find(ann)?.state).toBe("active"); // what is known stays known (S172)
  await startProgram("mupdate.ts", ["-C", confOf("mu"), "-m", "--listen", `127.0.0.1:${port}`]);
  expect((await registrar.find(ann))?.state).toBe("active"); // acknowledged is durable
  await registrar.remove(ann);
  await kicked(config.configdirectory);
  expect(list.find(ann)).toBeUndefined();
  registrar.close();
  list.close();
}, 20_000);

test("ctl_mboxlist -m announces what is here, -w only says so, -d dumps (S163)", async () => {
  const { config } = loadConfig(confOf("be1"));
  const list = openMailboxList({ path: config.mboxlist_db_path, clock: systemClock });
  const bob: MailboxEntry = { ...entryOf(active("user.bob", "x!default", "bob\tlrs\t")), server: "" };
  await list.change([{ put: bob }]);
  list.close();
  const planned = await runToEnd("ctl_mboxlist.ts", ["-C", confOf("be1"), "-mw"]);
  expect(planned).toMatchObject({ exitCode: 0, stdout: "Force Activate: user.bob\n" });
  expect((await runToEnd("ctl_mboxlist.ts", ["-C", confOf("be1"), "-m"])).exitCode).toBe(0);
  const again = await runToEnd("ctl_mboxlist.ts", ["-C", confOf("be1"), "-mw"]);
  expect(again).toMatchObject({ exitCode: 0, stdout: "" });
  const dump = await runToEnd("ctl_mboxlist.ts", ["-C", confOf("be1"), "-d"]);
  expect(JSON.parse(dump.stdout)).toMatchObject({ "user.bob": { partition: "default", acl: { bob: "lrs" } } });
}, 20_000);

function confOf(node: string): string {
  return join(folder, `${node}.conf`);
}

/** The replica may be between two connections: kick until it has caught up. */
async function kicked(configDirectory: string): Promise<void> {
  while (!(await kick(kickPath(configDirectory), 5000))) await Bun.sleep(20);
}

async function startProgram(program: string, args: readonly string[]): Promise<Subprocess> {
  const child = Bun.spawn([process.execPath, join(bin, program), ...args], { stdout: "ignore", stderr: "pipe" });
  running.push(child);
  let log = "";
  const decoder = new TextDecoder();
  const ready = Promise.withResolvers<void>();
  const read = async () => {
    for await (const chunk of child.stderr) {
      log += decoder.decode(chunk, { stream: true });
      if (log.includes(" ready ") || log.includes(": ready")) ready.resolve();
    }
    ready.reject(new Error(`${program} ended: ${log}`));
  };
  void read();
  await ready.promise;
  return child;
}

async function runToEnd(program: string, args: readonly string[]) {
  const child = Bun.spawn([process.execPath, join(bin, program), ...args], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

async function freePort(): Promise<number> {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
