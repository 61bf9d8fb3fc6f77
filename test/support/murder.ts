// A whole murder of real processes, as `iatlas demo` starts it, in a folder and on ports of its own. Its nodes can be stopped,
// killed and started again one by one. Only processes that it has started are ever signalled.

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kick, kickPath } from "../../lib/mupdate/kick.ts";
import { gone } from "./process.ts";

const programs = join(import.meta.dir, "../../bin");
const readyMs = 30_000;
const pollMs = 10;

export type NodeName = "mupdate" | "backend1" | "backend2" | "frontend1" | "frontend2";

/** "127.0.0.1:14111" by service. */
export interface NodeAddresses {
  readonly imap: string;
  readonly imaps: string;
  readonly pop3: string;
  readonly lmtp: string;
  /** Only at frontends. */
  readonly mupdate: string;
}

interface Account {
  readonly user: string;
  readonly password: string;
}

/** What the demo prints. */
interface DemoReport {
  readonly frontends: readonly [NodeAddresses, NodeAddresses];
  readonly backends: readonly [NodeAddresses, NodeAddresses];
  readonly mupdate: string;
  /** ann and bob are on backend1, carl and dora on backend2, as is the shared folder "bulletin". */
  readonly users: readonly Account[];
  readonly admin: Account;
  readonly pids: Readonly<Record<NodeName, number>>;
  readonly directory: string;
  /** Path of the certificate to trust. */
  readonly certificateAuthority: string;
}

export class Murder implements AsyncDisposable {
  readonly #demo: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #report: DemoReport;
  /** Nodes that we started again; the others are the demo's children. */
  readonly #restarted = new Map<NodeName, Bun.Subprocess>();
  readonly #pids: Map<NodeName, number>;

  constructor(demo: Bun.Subprocess<"ignore", "pipe", "pipe">, report: DemoReport) {
    this.#demo = demo;
    this.#report = report;
    this.#pids = new Map(Object.entries(report.pids) as [NodeName, number][]);
  }

  get folder(): string {
    return this.#report.directory;
  }

  get authority(): string {
    return this.#report.certificateAuthority;
  }

  get frontends(): readonly [NodeAddresses, NodeAddresses] {
    return this.#report.frontends;
  }

  get backends(): readonly [NodeAddresses, NodeAddresses] {
    return this.#report.backends;
  }

  get admin(): string {
    return this.#report.admin.user;
  }

  passwordOf(user: string): string {
    const account = [...this.#report.users, this.#report.admin].find((each) => each.user === user);
    if (!account) throw new Error(`the demo has no user ${user}`);
    return account.password;
  }

  /** All that a node has logged. */
  log(name: NodeName): string {
    return readFileSync(join(this.folder, name, "log"), "utf8");
  }

  /** SIGTERM to the node's master; resolves when it and all its programs have ended. */
  async stopNode(name: NodeName): Promise<void> {
    const pids = familyOf(this.#pidOf(name));
    process.kill(pids[0]!, "SIGTERM");
    await ended(pids, name);
    this.#pids.delete(name);
  }

  /** kill -9 of the node's master and all its programs, at once. */
  async killNode(name: NodeName): Promise<void> {
    await this.#kill(familyOf(this.#pidOf(name)), name);
    this.#pids.delete(name);
  }

  /** kill -9 of the programs of a node that run under one name, not of its master. */
  async killProgram(name: NodeName, program: string): Promise<void> {
    const pids = familyOf(this.#pidOf(name)).filter((pid) => programOf(pid) === program);
    if (pids.length === 0) throw new Error(`${name} runs no ${program}`);
    await this.#kill(pids, `${program} of ${name}`);
  }

  /** The node's processes that run now, its master first. */
  programs(name: NodeName): readonly { readonly pid: number; readonly program: string }[] {
    const pid = this.#pids.get(name);
    if (pid === undefined) return [];
    return familyOf(pid).map((each) => ({ pid: each, program: each === pid ? "master" : programOf(each) }));
  }

  /** To all of the node's processes. */
  signalNode(name: NodeName, which: "SIGSTOP" | "SIGCONT"): void {
    for (const { pid } of this.programs(name)) signal(pid, which);
  }

  /** Starts a stopped node from its files; resolves when its services are up. */
  async startNode(name: NodeName): Promise<void> {
    const folder = join(this.folder, name);
    const ready = Bun.file(join(folder, "master.ready"));
    rmSync(ready.name!, { force: true });
    const log = await open(join(folder, "log"), "a");
    const files = ["-C", join(folder, "imapd.conf"), "-M", join(folder, "cyrus.conf")];
    const child = Bun.spawn(
      [process.execPath, join(programs, "master.ts"), ...files, "--parent", String(process.pid)],
      { stdio: ["ignore", log.fd, log.fd] },
    );
    await log.close();
    this.#restarted.set(name, child);
    this.#pids.set(name, child.pid);
    await eventually(`${name} is ready`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended at its start:\n${this.log(name).slice(-3000)}`);
      return ready.exists();
    });
  }

  /** Adds lines to imapd.conf of every node and starts all of them again. */
  async reconfigure(lines: string): Promise<void> {
    const names = [...this.#pids.keys()];
    await Promise.all(names.map((name) => this.stopNode(name)));
    for (const name of names) appendFileSync(join(this.folder, name, "imapd.conf"), lines);
    await Promise.all(names.map((name) => this.startNode(name)));
    await this.caughtUp();
  }

  /** Resolves when the mailbox lists of both frontends have all that the master has. */
  async caughtUp(): Promise<void> {
    for (const name of ["frontend1", "frontend2"]) {
      await eventually(`${name} has caught up`, () => kick(kickPath(join(this.folder, name)), 1_000));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const families = [...this.#pids.values()].flatMap(familyOf);
    for (const child of this.#restarted.values()) child.kill("SIGTERM");
    this.#demo.kill("SIGTERM");
    await Promise.all([this.#demo.exited, ...[...this.#restarted.values()].map((child) => child.exited)]);
    await ended(families, "the murder");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #pidOf(name: NodeName): number {
    const pid = this.#pids.get(name);
    if (pid === undefined) throw new Error(`${name} does not run`);
    return pid;
  }

  async #kill(pids: readonly number[], what: string): Promise<void> {
    for (const pid of pids) signal(pid, "SIGKILL");
    await ended(pids, what);
  }
}

/** Resolves when everything is up. */
export async function startMurder(): Promise<Murder> {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-murder-"));
  for (let attempt = 1; ; attempt += 1) {
    // Below the ports that the system gives to clients; others may take some of ours between the look and the use.
    const base = 16_000 + 50 * Math.floor(Math.random() * 300);
    const words = ["demo", "--json", "--dir", folder, "--ports", String(base)];
    const demo = Bun.spawn([process.execPath, join(programs, "iatlas.ts"), ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const line = await firstLine(demo);
    if (line !== undefined) return new Murder(demo, JSON.parse(line));
    const complaint = await demo.stderr.text();
    if (attempt === 5 || !complaint.includes("Cannot listen")) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`the demo did not start: ${complaint}`);
    }
  }
}

/** Polls, because another process's state has no events; rejects when it does not come true within the deadline. */
export async function eventually(
  claim: string,
  isTrue: () => boolean | Promise<boolean>,
  deadlineMs = readyMs,
): Promise<void> {
  const until = performance.now() + deadlineMs;
  while (!(await isTrue())) {
    if (performance.now() > until) throw new Error(`not within ${deadlineMs / 1000} s: ${claim}`);
    await Bun.sleep(pollMs);
  }
}

/** undefined when the process ends without one. */
async function firstLine(child: Bun.Subprocess<"ignore", "pipe", "pipe">): Promise<string | undefined> {
  const deadline = setTimeout(() => child.kill("SIGTERM"), readyMs);
  let text = "";
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  clearTimeout(deadline);
  return text.includes("\n") ? text.slice(0, text.indexOf("\n")) : undefined;
}

/** A process and its children. */
function familyOf(pid: number): number[] {
  const children = readOrEmpty(`/proc/${pid}/task/${pid}/children`).trim();
  return [pid, ...(children === "" ? [] : children.split(/\s+/).map(Number))];
}

function programOf(pid: number): string {
  return readOrEmpty(`/proc/${pid}/comm`).trim();
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the process has ended
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

async function ended(pids: readonly number[], what: string): Promise<void> {
  const late = Promise.withResolvers<never>();
  const deadline = setTimeout(() => late.reject(new Error(`${what} does not end`)), readyMs);
  try {
    await Promise.race([Promise.all(pids.map(gone)), late.promise]);
  } finally {
    clearTimeout(deadline);
  }
}
