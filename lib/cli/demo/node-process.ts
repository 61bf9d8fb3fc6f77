// One node of the demo as a process: its master, from start to readiness to its end. Its workers are the master's business.

import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Clock, sleep } from "../../base/clock.ts";
import { No } from "../../base/fault.ts";
import { connect } from "../../net/connect.ts";
import { cyrusConfPath, imapdConfPath } from "./node-config.ts";
import { type DemoNode, demoHost, portOf } from "./plan.ts";

/** Between two looks for the ready file. */
const pollMs = 5;
/** Longer than master gives its sessions and workers (drain_timeout and then 5 s). */
const stopMs = 12_000;
const shownLines = 25;

export class NodeProcess {
  readonly node: DemoNode;
  readonly #child: Bun.Subprocess;
  readonly #clock: Clock;
  /** Where this start's part of the log begins. */
  readonly #logStart: number;
  /** Set by us: then its end is no news. */
  isStopping = false;

  /** `master` is the command line of the program. */
  constructor(node: DemoNode, master: readonly string[], clock: Clock) {
    this.node = node;
    this.#clock = clock;
    this.#logStart = existsSync(logPath(node)) ? statSync(logPath(node)).size : 0;
    rmSync(readyPath(node), { force: true });
    const log = openSync(logPath(node), "a", 0o600);
    try {
      // In a session of its own: Ctrl-C is for us, and we end the nodes in order. If we are killed, so are they (--parent).
      const command = [...master, ...configWords(node), "--parent", String(process.pid)];
      this.#child = Bun.spawn(command, { stdio: ["ignore", log, log], detached: true });
    } finally {
      closeSync(log);
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }

  /** Resolves when all services are up. Rejects with the end of the log when it ends before, or takes too long. */
  ready(deadlineMs: number, signal: AbortSignal): Promise<void> {
    return this.#until(async () => existsSync(readyPath(this.node)), "ready", deadlineMs, signal);
  }

  /** Resolves when its master listens for a service, whose workers may still be starting. Rejects like `ready`. */
  listening(service: string, deadlineMs: number, signal: AbortSignal): Promise<void> {
    const place = { host: demoHost, port: portOf(this.node, service) };
    const isListening = () =>
      connect(place, { timeoutMs: deadlineMs, signal }).then(
        (connection) => {
          connection.attach({ receive() {}, closed() {} });
          connection.destroy();
          return true;
        },
        () => false,
      );
    return this.#until(isListening, `listening for ${service}`, deadlineMs, signal);
  }

  async #until(holds: () => Promise<boolean>, what: string, deadlineMs: number, signal: AbortSignal): Promise<void> {
    const until = this.#clock.monotonic() + deadlineMs;
    while (!(await holds())) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw this.#failure("ended at its start");
      if (this.#clock.monotonic() > until) throw this.#failure(`is not ${what} after ${deadlineMs / 1000} s`);
      await Promise.race([sleep(this.#clock, pollMs, signal), this.#child.exited]);
    }
  }

  /** Asks it to end, waits, and kills it when it does not. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.#child.kill("SIGTERM");
    const timer = this.#clock.after(stopMs, () => this.#child.kill("SIGKILL"));
    await this.#child.exited;
    timer.cancel();
  }

  /** For people who want to start it again. */
  commandLine(master: readonly string[]): string {
    return [...master, ...configWords(this.node)].join(" ");
  }

  #failure(what: string): No {
    const lines = readFileSync(logPath(this.node)).subarray(this.#logStart).toString("utf8").trimEnd().split("\n");
    const shown = lines.slice(-shownLines).map((line) => `  ${line}`);
    return new No("UNAVAILABLE", `${this.node.name} ${what}, ${logPath(this.node)} says:\n${shown.join("\n")}`);
  }
}

function configWords(node: DemoNode): string[] {
  return ["-C", imapdConfPath(node), "-M", cyrusConfPath(node)];
}

export function logPath(node: DemoNode): string {
  return join(node.folder, "log");
}

function readyPath(node: DemoNode): string {
  return join(node.folder, "master.ready");
}
