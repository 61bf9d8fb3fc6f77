// A small murder for faults: a MUPDATE master, two backends and a frontend that stop at the steps of their operations, the
// frontend's replica. Every program is a process of its own, without master over it, so that each can be killed and started alone.
// The backends reach the MUPDATE master through a relay of the test.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../support/demo.ts";
import { startProcess, type TestProcess } from "../../support/process.ts";
import { Relay } from "./relay.ts";
import type { Order, Point, Report } from "./stepping-imapd.ts";

const bin = join(import.meta.dir, "../../../bin");
const readyMs = 30_000;

export const nodeNames = ["master", "backend1", "backend2", "replica", "frontend"] as const;
/** "backend1b" is a second imapd of backend1: started by those who want it. */
export type Node = (typeof nodeNames)[number] | "backend1b";
export type Backend = "backend1" | "backend2";
export const backendNames: readonly Backend[] = ["backend1", "backend2"];
/** Those that stop where they are told. */
const steppingNames: readonly Node[] = [...backendNames, "frontend"];

/** What a client's request to the master may take: what is frozen is given up after so long. */
export const masterDeadlineMs = 3_000;

/** Users and where their mail is; what is removed on backend1 goes under DELETED, on backend2 at once. */
export const users = { ann: "backend1", carl: "backend2" } as const;
export const administrator = "cyrus";

export class FaultMurder implements AsyncDisposable {
  readonly folder: string;
  readonly relay: Relay;
  readonly #ports: ReadonlyMap<Node, number>;
  readonly #running = new Map<Node, TestProcess>();
  /** Steps reached and not yet asked for. */
  readonly #reached: Point[] = [];
  readonly #listeners = new Set<(report: Report) => void>();
  #wentMs = 0;

  private constructor(folder: string, relay: Relay, ports: ReadonlyMap<Node, number>) {
    this.folder = folder;
    this.relay = relay;
    this.#ports = ports;
  }

  static async start(settings: readonly string[] = []): Promise<FaultMurder> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await FaultMurder.#startOnFreePorts(settings);
      } catch (fault) {
        // Between the look and the use somebody else may have taken one of the ports.
        if (attempt === 5 || !/in use/i.test(String(fault))) throw fault;
      }
    }
  }

  static async #startOnFreePorts(settings: readonly string[]): Promise<FaultMurder> {
    const folder = mkdtempSync(join(tmpdir(), "iatlas-fault-"));
    const all: readonly Node[] = [...nodeNames, "backend1b"];
    const first = freePorts(all.length + 1);
    const ports = new Map(all.map((name, at) => [name, first + at]));
    const relayPort = first + all.length;
    const murder = new FaultMurder(folder, await Relay.start(relayPort, ports.get("master")!), ports);
    try {
      for (const name of nodeNames) writeConfiguration(folder, name, ports, relayPort, settings);
      await murder.startNode("master");
      await Promise.all(nodeNames.slice(1).map((name) => murder.startNode(name)));
      return murder;
    } catch (fault) {
      await murder[Symbol.asyncDispose]();
      throw fault;
    }
  }

  passwordOf(user: string): string {
    return user; // sasl_pwcheck_method: alwaystrue
  }

  addressOf(name: Node): string {
    return `127.0.0.1:${this.#ports.get(name)}`;
  }

  folderOf(name: Node): string {
    return join(this.folder, name);
  }

  logOf(name: Node): readonly string[] {
    return this.#running.get(name)?.lines ?? [];
  }

  isRunning(name: Node): boolean {
    return this.#running.has(name);
  }

  /** Resolves when it serves. */
  async startNode(name: Node): Promise<void> {
    const address = this.addressOf(name);
    const file = join(this.folder, `${name === "backend1b" ? "backend1" : name}.conf`);
    const isStepping = steppingNames.includes(name) || name === "backend1b";
    const script = isStepping ? join(import.meta.dir, "stepping-imapd.ts") : join(bin, programs[name] ?? "");
    const words = isStepping
      ? [file, address]
      : ["-C", file, "--listen", address, ...(name === "master" ? ["-m"] : [])];
    // A loaded machine may have given the port away for a moment: who finds it taken tries again.
    for (let attempt = 1; ; attempt += 1) {
      const child = startProcess(script, words, {}, isStepping ? (report) => this.#hear(report) : undefined);
      this.#running.set(name, child);
      try {
        await inTime(child.logged(" ready"), `${name} is ready`);
        return;
      } catch (fault) {
        if (attempt === 10 || !child.lines.some((line) => /in use/i.test(line))) throw fault;
        await Bun.sleep(100);
      }
    }
  }

  /** kill -9. */
  async kill(name: Node): Promise<void> {
    const child = this.#running.get(name);
    if (!child) throw new Error(`${name} does not run`);
    this.#running.delete(name);
    child.kill("SIGKILL");
    await child.exited;
  }

  signal(name: Node, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#running.get(name)?.kill(signal);
  }

  /** Operations will stop at these points. */
  async hold(points: readonly Point[]): Promise<void> {
    this.#reached.length = 0;
    for (const name of steppingNames) {
      if (!this.isRunning(name)) continue;
      const held = this.#heard((report) => "held" in report);
      this.#order(name, { hold: points });
      await inTime(held, `${name} knows where to stop`);
    }
  }

  /** Resolves when the operation has come to the point; what it has passed since hold() counts. */
  async reached(point: Point): Promise<void> {
    const isIt = (each: Point) => each.step === point.step && each.mailbox === point.mailbox;
    if (this.#reached.some(isIt)) return;
    const seen = this.#heard((report) => "reached" in report && isIt(report.reached));
    await inTime(seen, `${point.step} of ${point.mailbox} is reached`);
  }

  /** All steps since hold(), in order. */
  get steps(): readonly Point[] {
    return this.#reached;
  }

  /** When go() was last called. */
  get wentMs(): number {
    return this.#wentMs;
  }

  /** Everything that was stopped goes on. */
  go(): void {
    this.#wentMs = performance.now();
    for (const name of steppingNames) if (this.isRunning(name)) this.#order(name, { go: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((child) => child[Symbol.asyncDispose]()));
    this.relay.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #order(name: Node, order: Order): void {
    this.#running.get(name)?.send(order);
  }

  #hear(message: unknown): void {
    const report = message as Report;
    if ("reached" in report) this.#reached.push(report.reached);
    for (const listener of [...this.#listeners]) listener(report);
  }

  #heard(isIt: (report: Report) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const listener = (report: Report) => {
        if (!isIt(report)) return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
  }
}

const programs: Readonly<Partial<Record<Node, string>>> = {
  master: "mupdate.ts",
  replica: "mupdate.ts",
};

function writeConfiguration(
  folder: string,
  name: Node,
  ports: ReadonlyMap<Node, number>,
  relayPort: number,
  settings: readonly string[],
): void {
  const isBackend = name.startsWith("backend");
  // The replica and the frontend's proxy are one machine.
  const home = join(folder, name === "frontend" ? "replica" : name);
  mkdirSync(home, { recursive: true });
  const follower = [
    `mupdate_server: 127.0.0.1:${isBackend ? relayPort : ports.get("master")}`,
    "mupdate_authname: mupdate",
    "mupdate_username: mupdate",
    "mupdate_password: mupdate",
    "mupdate_retry_delay: 1s",
    `mupdate_response_timeout: ${masterDeadlineMs / 1000}s`,
  ];
  const lines = [
    `configdirectory: ${home}`,
    `servername: ${name === "frontend" ? "replica" : name}`,
    `admins: ${administrator}`,
    "mupdate_admins: mupdate",
    "sasl_pwcheck_method: alwaystrue",
    "sasl_mech_list: PLAIN",
    "allowplaintext: yes",
    "proxy_tls: off",
    "log_target: stderr",
    "altnamespace: no",
    "unixhierarchysep: no",
    ...(name === "master" ? [] : follower),
    ...(isBackend ? ["proxyservers: proxy", `partition-default: ${join(home, "mail")}`] : []),
    ...(isBackend ? [`delete_mode: ${name === "backend1" ? "delayed" : "immediate"}`] : []),
    ...(name === "frontend" ? ["proxy_authname: proxy", "proxy_password: proxy"] : []),
    ...(name === "frontend" ? backendNames.map((each) => `${each}_imap_address: 127.0.0.1:${ports.get(each)}`) : []),
    ...settings,
  ];
  writeFileSync(join(folder, `${name}.conf`), `${lines.join("\n")}\n`);
}

async function inTime<T>(outcome: Promise<T>, claim: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const deadline = setTimeout(() => late.reject(new Error(`not within ${readyMs / 1000} s: ${claim}`)), readyMs);
  try {
    return await Promise.race([outcome, late.promise]);
  } finally {
    clearTimeout(deadline);
  }
}
