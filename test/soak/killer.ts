// Kills, stops, freezes and restarts the nodes of a murder and their programs at random, and remembers when.

import type { Excuses } from "../consistency/client.ts";
import type { Journal } from "../consistency/journal.ts";
import type { Murder, NodeName } from "../support/murder.ts";
import type { Random } from "../support/random.ts";

interface Disturbance {
  readonly node: NodeName;
  readonly fault: string;
  /** Whether clients of the node may lose their connections. */
  readonly endsConnections: boolean;
  readonly fromMs: number;
  untilMs: number;
}

/** How long after a fault an answer may still come from it: the pauses between looks at a server that was away. */
const graceMs = 6_000;

const programsOf: Readonly<Record<NodeName, readonly string[]>> = {
  mupdate: ["mupdate"],
  backend1: ["imapd", "lmtpd", "pop3d"],
  backend2: ["imapd", "lmtpd", "pop3d"],
  frontend1: ["proxyd", "lmtpproxyd", "mupdate", "pop3d"],
  frontend2: ["proxyd", "lmtpproxyd", "mupdate", "pop3d"],
};

type Fault = "kill" | "restart" | "freeze" | "program";
const faults: readonly Fault[] = ["kill", "kill", "restart", "freeze", "freeze", "program", "program"];

export class Killer implements Excuses {
  readonly #murder: Murder;
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #disturbances: Disturbance[] = [];
  readonly #busy = new Set<NodeName>();
  /** Only frozen: their processes are watched for growth. */
  readonly spared = new Set<NodeName>();
  readonly counts: Record<string, number> = {};

  constructor(murder: Murder, random: Random, journal: Journal) {
    this.#murder = murder;
    this.#random = random;
    this.#journal = journal;
  }

  mayHaveEnded(frontend: number, sinceMs: number): boolean {
    const node = `frontend${frontend + 1}`;
    return this.#disturbances.some((each) => each.node === node && each.endsConnections && each.untilMs >= sinceMs);
  }

  wasDisturbed(sinceMs: number): boolean {
    return this.#disturbances.some(({ untilMs }) => untilMs + graceMs >= sinceMs);
  }

  /** One fault after the other, at up to `hands` nodes at a time, until the moment; then all nodes are up. */
  async rage(untilMs: number, hands: number): Promise<void> {
    const rageOn = async () => {
      while (performance.now() < untilMs) {
        await Bun.sleep(300 + this.#random.below(2_500));
        if (performance.now() < untilMs) await this.#disturb();
      }
    };
    await Promise.all(Array.from({ length: hands }, rageOn));
  }

  async #disturb(): Promise<void> {
    const free = (Object.keys(programsOf) as NodeName[]).filter((node) => !this.#busy.has(node));
    const node = this.#random.pick(free);
    const chosen = this.#random.pick(faults);
    const fault = this.spared.has(node) ? "freeze" : chosen;
    const program = this.#random.pick(programsOf[node]);
    this.#busy.add(node);
    const what = fault === "program" ? `kill ${program}` : fault;
    const disturbance: Disturbance = {
      ...{ node, fault: what, endsConnections: fault !== "freeze", fromMs: performance.now() },
      untilMs: Number.POSITIVE_INFINITY,
    };
    this.#disturbances.push(disturbance);
    this.#journal.write("killer", `${what} ${node}`);
    try {
      await this.#carryOut(node, fault, program);
      this.counts[`${node} ${what}`] = (this.counts[`${node} ${what}`] ?? 0) + 1;
    } finally {
      disturbance.untilMs = performance.now();
      this.#journal.write("killer", `${what} ${node} is over`);
      this.#busy.delete(node);
    }
  }

  async #carryOut(node: NodeName, fault: Fault, program: string): Promise<void> {
    const pauseMs = this.#random.below(2_500);
    if (fault === "program") {
      if (this.#murder.programs(node).some((each) => each.program === program)) {
        await this.#murder.killProgram(node, program);
        // Its master starts it again.
        await Bun.sleep(1_000);
      }
    } else if (fault === "freeze") {
      this.#murder.signalNode(node, "SIGSTOP");
      await Bun.sleep(500 + 2 * pauseMs);
      this.#murder.signalNode(node, "SIGCONT");
    } else {
      await (fault === "kill" ? this.#murder.killNode(node) : this.#murder.stopNode(node));
      await Bun.sleep(pauseMs);
      await this.#murder.startNode(node);
    }
  }
}
