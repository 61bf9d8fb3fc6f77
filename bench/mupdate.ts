// The MUPDATE master as a process of its own: durable writes over 8 connections, one command at a time and pipelined, and
// the full list as a replica takes it, while a writer is timed. Prints one JSON line per figure. First argument: the
// number of mailboxes (default 50000).

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { systemClock } from "../lib/base/clock.ts";
import { silentLog } from "../lib/base/log.ts";
import { emptyAcl, parseDefaultAcl } from "../lib/mailbox/acl.ts";
import { requireMailboxName } from "../lib/mailbox/name.ts";
import type { MupdateClient } from "../lib/mupdate/client.ts";
import { locationOf } from "../lib/mupdate/record.ts";
import { connectToAnyMaster } from "../lib/murder/master-connection.ts";
import { PasswordFile } from "../lib/sasl/password-file.ts";
import { plainClient } from "../lib/sasl/plain.ts";

const mailboxes = Number(process.argv[2] ?? 50_000);
const connections = 8;
const folder = mkdtempSync(join(os.tmpdir(), "bench-mupdate-"));
const here = locationOf("be1.example.org", "default");
const acl = parseDefaultAcl("ann lrswipkxtean bob lrs");

function report(what: string, value: number, unit: string, more: Record<string, number> = {}): void {
  console.log(JSON.stringify({ bench: "mupdate", what, value: Math.round(value * 100) / 100, unit, ...more }));
}

async function startMaster() {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  mkdirSync(join(folder, "conf"));
  const passwords = new PasswordFile(join(folder, "sasldb"), { create: true });
  await passwords.create("murder", "secret");
  passwords.close();
  const lines = [
    `configdirectory: ${join(folder, "conf")}`,
    `sasl_sasldb_path: ${join(folder, "sasldb")}`,
    "sasl_pwcheck_method: auxprop",
    "allowplaintext: yes",
    "admins: murder",
    "log_target: stderr",
    "log_level: error",
  ];
  writeFileSync(join(folder, "imapd.conf"), `${lines.join("\n")}\n`);
  const program = join(import.meta.dir, "../bin/mupdate.ts");
  const args = ["-C", join(folder, "imapd.conf"), "-m", "--listen", `127.0.0.1:${port}`];
  const child = Bun.spawn([process.execPath, program, ...args], { stdout: "ignore", stderr: "inherit" });
  return { child, port };
}

async function open(port: number): Promise<MupdateClient> {
  return connectToAnyMaster({
    servers: `127.0.0.1:${port}`,
    port,
    credentials: { authenticationId: "murder", authorizationId: "", password: "secret" },
    choose: () => plainClient,
    tlsFor: () => undefined,
    requiresTls: false,
    compresses: false,
    deadlineMs: 60_000,
    clock: systemClock,
    log: silentLog,
  });
}

async function openSoon(port: number): Promise<MupdateClient> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await open(port);
    } catch (fault) {
      if (attempt === 100) throw fault;
      await Bun.sleep(50);
    }
  }
}

/** RESERVE and ACTIVATE of `count` names, `depth` commands on their way on each connection. */
async function register(clients: readonly MupdateClient[], prefix: string, count: number, depth: number) {
  let next = 0;
  const startMs = performance.now();
  const work = async (client: MupdateClient) => {
    while (next < count) {
      const name = requireMailboxName(`user.${prefix}${next++}`);
      await client.reserve(name, here);
      await client.activate(name, here, acl);
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: depth }, () => work(client))));
  return (2 * count * 1000) / (performance.now() - startMs);
}

async function dump(port: number, writer: MupdateClient): Promise<void> {
  const replica = await open(port);
  let records = 0;
  let isOver = false;
  let slowestMs = 0;
  const write = async () => {
    const name = requireMailboxName("user.writer");
    while (!isOver) {
      const startMs = performance.now();
      await writer.activate(name, here, emptyAcl);
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
    }
  };
  const writing = write();
  const startMs = performance.now();
  await replica.update({ record: () => void records++, deletion: () => {} });
  const perSecond = (records * 1000) / (performance.now() - startMs);
  isOver = true;
  await writing;
  report("full list to a replica", perSecond, "records/s", {
    records,
    slowestWriteMs: Math.round(slowestMs * 10) / 10,
  });
}

const { child, port } = await startMaster();
try {
  const clients = [await openSoon(port)];
  while (clients.length < connections) clients.push(await open(port));
  await register(clients, "warm", 1000, 1);
  report("RESERVE and ACTIVATE, one at a time", await register(clients, "one", 5000, 1), "commands/s", { connections });
  for (const depth of [8, 32]) {
    const perSecond = await register(clients, `deep${depth}x`, Math.ceil(mailboxes / 2), depth);
    report("RESERVE and ACTIVATE, pipelined", perSecond, "commands/s", { connections, depth });
  }
  await dump(port, clients[0]!);
} finally {
  child.kill("SIGTERM");
  await child.exited;
  rmSync(folder, { recursive: true });
}
process.exit(0);
