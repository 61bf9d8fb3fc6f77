// A murder of our own from source, in a folder of its own: master, two backends, a frontend with its replica, and the LMTP
// services. All on 127.0.0.1.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { systemClock } from "../lib/base/clock.ts";
import { parseDefaultAcl } from "../lib/mailbox/acl.ts";
import type { ListEdit } from "../lib/mailbox/list.ts";
import { openMailboxList } from "../lib/mailbox/list-sqlite.ts";
import { requireMailboxName } from "../lib/mailbox/name.ts";
import { environmentForChildren } from "../lib/master/environment.ts";
import { entryOf, locationOf } from "../lib/mupdate/record.ts";
import { PasswordFile } from "../lib/sasl/password-file.ts";
import type { Target } from "./target.ts";

/** Names of the mailboxes that fill the list. */
export const fillPrefix = "user.fill";
/** As users' mailboxes have it: mail for "user+folder" is let in. */
const usualAcl = parseDefaultAcl("ann lrswipkxtecdan anyone p");
/** Of so many mailboxes, which all may see. */
const publicAcl = parseDefaultAcl("anyone lrs");
const publicMailboxes = 50;
const programs = join(import.meta.dir, "../bin");
const password = "secret";
const usualUsers = 16;

export interface OwnMurder extends AsyncDisposable {
  readonly target: Target;
  /** IMAP of the other backend. */
  readonly other: string;
  /** Another worker of the frontend, at an address of its own. */
  addFrontend(): Promise<Worker>;
  /** kill -9; resolves when it has ended. */
  kill(what: string): Promise<void>;
  /** Starts again what has ended, at its address; resolves when it listens. */
  startAgain(what: string): Promise<void>;
}

export interface Worker {
  readonly address: string;
  readonly pid: number;
}

export interface MurderWishes {
  /** Where the folder is made: what is measured durably is measured on that disk. */
  readonly under?: string | undefined;
  /** So many mailboxes are in the master's list from the start. */
  readonly filled?: number;
  /** What the frontend proves itself to backends with. */
  readonly mechanism?: string;
  /** So many: u1, u2 and so on. */
  readonly users?: number;
  /** More lines of the frontend's imapd.conf. */
  readonly frontend?: readonly string[];
}

export async function startOwnMurder(wishes: MurderWishes = {}): Promise<OwnMurder> {
  const { under = os.tmpdir(), filled = 0, mechanism = "PLAIN", users = usualUsers, frontend = [] } = wishes;
  const folder = mkdtempSync(join(under, "bench-murder-"));
  const children: Bun.Subprocess[] = [];
  const started = new Map<string, Program>();
  const stop = async () => {
    for (const child of children) child.kill("SIGTERM");
    await Promise.all(children.map((child) => child.exited));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await fillList(join(folder, "mu"), filled);
    await createUsers(join(folder, "sasldb"), users);
    const processes: Record<string, number> = {};
    const start = async (what: string, program: Program) => {
      const child = spawnProgram(program.name, [...program.args, "--listen", program.address], profileOf(what));
      children.push(child);
      started.set(what, program);
      processes[what] = child.pid;
      await answers(program.address);
    };
    const target = await startAll(folder, start, processes, [`force_sasl_client_mech: ${mechanism}`, ...frontend]);
    const addFrontend = async () => {
      const address = `127.0.0.1:${freePorts(1)[0]}`;
      const child = spawnProgram("proxyd", ["-C", join(folder, "fe.conf"), "--listen", address], profileOf("worker"));
      children.push(child);
      await answers(address);
      return { address, pid: child.pid };
    };
    const kill = async (what: string) => {
      const child = children.find(({ pid }) => pid === processes[what]);
      child?.kill("SIGKILL");
      await child?.exited;
    };
    const startAgain = (what: string) => start(what, started.get(what)!);
    const other = started.get("be2")!.address;
    return { target, other, addFrontend, kill, startAgain, [Symbol.asyncDispose]: stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  readonly address: string;
}

async function createUsers(path: string, count: number): Promise<void> {
  const users = Array.from({ length: count }, (_, index) => `u${index + 1}`);
  const passwords = new PasswordFile(path, { create: true });
  for (const user of ["cyrus", "murder", ...users]) await passwords.create(user, password);
  passwords.close();
}

async function startAll(
  folder: string,
  startProgram: (what: string, program: Program) => Promise<void>,
  processes: Record<string, number>,
  frontendLines: readonly string[],
): Promise<Target> {
  const ports = freePorts(8);
  const at = (index: number) => `127.0.0.1:${ports[index]}`;
  const [master, be1, be2, fe, replica, be1Lmtp, be2Lmtp, feLmtp] = [0, 1, 2, 3, 4, 5, 6, 7].map(at) as string[];
  const client = [
    `mupdate_server: ${master}`,
    "mupdate_username: murder",
    "mupdate_authname: murder",
    `mupdate_password: ${password}`,
    "proxy_authname: murder",
    `proxy_password: ${password}`,
  ];
  const addresses = [
    `be1_imap_address: ${be1}`,
    `be2_imap_address: ${be2}`,
    `be1_lmtp_address: ${be1Lmtp}`,
    `be2_lmtp_address: ${be2Lmtp}`,
  ];
  const backend = [...client, "proxyservers: murder", "lmtp_admins: murder"];
  const start = async (what: string, name: string, args: readonly string[], address: string) => {
    await startProgram(what, { name, args, address });
    return address;
  };
  const node = (name: string, lines: readonly string[]) => ["-C", writeConfig(folder, name, lines)];
  await start("master", "mupdate", [...node("mu", []), "-m"], master!);
  const lmtp: string[] = [];
  for (const [name, imapAt, lmtpAt] of [["be1", be1, be1Lmtp] as const, ["be2", be2, be2Lmtp] as const]) {
    const config = node(name, backend);
    await start(name, "imapd", config, imapAt!);
    lmtp.push(await start(`${name}-lmtp`, "lmtpd", config, lmtpAt!));
  }
  const frontend = node("fe", [...[...client, ...addresses, "lmtp_admins: murder"], ...frontendLines]);
  await start("replica", "mupdate", frontend, replica!);
  await start("frontend", "proxyd", frontend, fe!);
  const lmtpFrontend = await start("frontend-lmtp", "lmtpproxyd", frontend, feLmtp!);
  return {
    name: "iatlas",
    imap: be1!,
    frontend: fe,
    lmtp: lmtp[0],
    lmtpFrontend,
    mupdate: master,
    admin: "cyrus",
    proxy: "murder",
    user: "u1",
    password,
    processes,
    frontendPid: undefined,
  };
}

function spawnProgram(program: string, args: readonly string[], runtimeFlags: readonly string[] = []): Bun.Subprocess {
  return Bun.spawn([process.execPath, ...runtimeFlags, join(programs, `${program}.ts`), ...args], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    env: environmentForChildren(process.env),
  });
}

async function fillList(path: string, mailboxes: number): Promise<void> {
  if (mailboxes === 0) return;
  const list = openMailboxList({ path: join(path, "mailboxes.db"), clock: systemClock });
  const edits = Array.from({ length: mailboxes }, (_, index): ListEdit => {
    const name = requireMailboxName(`${fillPrefix}${index}`);
    const acl = index % (mailboxes / publicMailboxes) === 0 ? publicAcl : usualAcl;
    return { put: entryOf({ name, location: locationOf("be9.bench", "default"), acl, state: "active" }) };
  });
  for (let at = 0; at < edits.length; at += 10_000) await list.change(edits.slice(at, at + 10_000));
  list.close();
}

/** BENCH_PROFILE=frontend,be1 writes their CPU profiles into the current folder when they end. */
function profileOf(what: string): readonly string[] {
  const wanted = process.env.BENCH_PROFILE?.split(",").includes(what);
  return wanted ? ["--cpu-prof-md", `--cpu-prof-name=${what}.md`] : [];
}

function writeConfig(folder: string, name: string, more: readonly string[]): string {
  const own = join(folder, name);
  mkdirSync(join(own, "spool"), { recursive: true });
  const lines = [
    `configdirectory: ${own}`,
    `partition-default: ${join(own, "spool")}`,
    "defaultpartition: default",
    `servername: ${name}.bench`,
    `sasl_sasldb_path: ${join(folder, "sasldb")}`,
    "sasl_pwcheck_method: auxprop",
    "allowplaintext: yes",
    "admins: cyrus murder",
    "altnamespace: no",
    "unixhierarchysep: no",
    "log_target: stderr",
    "log_level: error",
    ...more,
  ];
  const path = join(folder, `${name}.conf`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** Of 127.0.0.1. */
export function freePorts(count: number): readonly number[] {
  const listeners = Array.from({ length: count }, () =>
    Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }),
  );
  const ports = listeners.map(({ port }) => port);
  for (const listener of listeners) listener.stop(true);
  return ports;
}

/** Waits until something listens there. */
export async function answers(address: string): Promise<void> {
  const [hostname = "", port] = address.split(":");
  for (let attempt = 0; ; attempt += 1) {
    try {
      const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } });
      socket.terminate();
      return;
    } catch (fault) {
      if (attempt === 200) throw fault;
      await Bun.sleep(25);
    }
  }
}
