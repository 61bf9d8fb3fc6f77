// A round of the fault matrix: one operation of each kind goes to its own step, all at once, then one fault befalls the
// murder. When it has healed, without anybody's help, every operation is judged.

import { ImapWire } from "../../support/imap-wire.ts";
import { administrator, FaultMurder, masterDeadlineMs, users } from "./fault-murder.ts";
import type { Fault } from "./faults.ts";
import { Inspection } from "./invariants.ts";
import {
  type Answer,
  judgeNames,
  judgeOutcome,
  type Login,
  namesOf,
  type OperationCase,
  operationCases,
  prepareCase,
} from "./operation-cases.ts";

export interface Cell {
  readonly operation: OperationCase;
  readonly step: string;
}

export interface CellResult {
  readonly operation: string;
  readonly step: string;
  readonly victim: string;
  readonly order: string;
  readonly answer: Answer;
  readonly healedMs: number;
  readonly violations: readonly string[];
}

interface Told {
  readonly answer: Answer;
  readonly atMs: number;
}

/** Longest wait for the answer while the master is frozen: one deadline, with room. */
const mostMs = masterDeadlineMs * 1.8;

export class Arena implements AsyncDisposable {
  readonly #inspection: Inspection;
  readonly #login: Login = (node, user) => ImapWire.login(this.murder, this.murder.addressOf(node), user);
  #names = 0;

  private constructor(readonly murder: FaultMurder) {
    this.#inspection = new Inspection(murder);
  }

  static async open(settings: readonly string[] = []): Promise<Arena> {
    const murder = await FaultMurder.start(settings);
    const arena = new Arena(murder);
    for (const [user, backend] of Object.entries(users)) {
      using session = await ImapWire.login(murder, murder.addressOf(backend), administrator);
      await session.ok(`CREATE user.${user}`);
    }
    return arena;
  }

  /** The steps of every operation, in order, as they are now: each is done once without a fault. */
  async cells(): Promise<Cell[]> {
    const cells: Cell[] = [];
    for (const operation of operationCases) {
      const { internal, session, run } = await this.#begin(operation);
      await this.murder.hold([]);
      if ((await run()).answer !== "OK") throw new Error(`${operation.title} is refused`);
      const steps = this.murder.steps.filter(({ mailbox }) => mailbox === internal).map(({ step }) => step);
      for (const step of new Set(steps)) cells.push({ operation, step });
      session[Symbol.dispose]();
    }
    return cells;
  }

  /** No two cells of a round are of one operation. */
  async run(cells: readonly Cell[], fault: Fault): Promise<CellResult[]> {
    const started = await Promise.all(cells.map(async (cell) => ({ ...cell, ...(await this.#begin(cell.operation)) })));
    const points = started.map(({ step, internal }) => ({ step, mailbox: internal }));
    await this.murder.hold(points);
    const answers = started.map(({ run }) => run());
    for (const point of points) await this.murder.reached(point);
    await fault.run(this.murder, () => Promise.all(answers));
    const told = await Promise.all(answers);
    for (const { session } of started) session[Symbol.dispose]();
    const beganMs = performance.now();
    const disagreements = await this.#inspection.lastingDisagreements();
    const healedMs = Math.round(performance.now() - beganMs);
    const results = await Promise.all(
      started.map((each, at) => this.#judge(each, fault, told[at]!, disagreements, healedMs)),
    );
    const unclaimed = disagreements.filter((each) => !results.some(({ violations }) => violations.includes(each)));
    if (unclaimed.length > 0) results[0] = { ...results[0]!, violations: [...results[0]!.violations, ...unclaimed] };
    return results;
  }

  async #judge(
    { operation, step, own, internal }: Cell & { readonly own: string; readonly internal: string },
    fault: Fault,
    told: Told,
    disagreements: readonly string[],
    healedMs: number,
  ): Promise<CellResult> {
    const answer = meaningOf(told.answer, operation, fault);
    const isAboutUs = new RegExp(`${internal.replaceAll(".", "\\.")}[.:z]`);
    const violations = disagreements.filter((each) => isAboutUs.test(each));
    violations.push(...judgeOutcome(operation, this.#inspection, internal, answer));
    violations.push(...(await judgeNames(operation, this.#login, own)));
    const waitedMs = told.atMs - this.murder.wentMs;
    if (fault.victim === "master frozen" && waitedMs > mostMs) violations.push(`answered after ${waitedMs} ms only`);
    const { victim, order } = fault;
    return { operation: operation.title, step, victim, order, answer, healedMs, violations };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#inspection[Symbol.dispose]();
    await this.murder[Symbol.asyncDispose]();
  }

  async #begin(operation: OperationCase) {
    this.#names += 1;
    const own = `m${this.#names}q`;
    const { through, backend, before } = operation;
    const { internal, external, client } = namesOf(operation, own);
    await prepareCase(operation, this.#login, own);
    const session = await this.#login(through === "frontend" ? "frontend" : backend, client);
    // A frontend knows what was made at the backend when its replica has caught up, which it waits for.
    if (through === "frontend" && before.length > 0) await session.ok(`STATUS ${external} (MESSAGES)`);
    const run = async (): Promise<Told> => {
      let answer: Answer = "lost";
      try {
        answer = (await session.command(operation.command(external))).status === "OK" ? "OK" : "NO";
      } catch {
        // The connection has ended.
      }
      return { answer, atMs: performance.now() };
    };
    return { own, internal, session, run };
  }
}

/** A frontend that has lost the backend at work says NO [UNAVAILABLE]: whether it was done nobody knows. */
function meaningOf(answer: Answer, { through }: OperationCase, { victim }: Fault): Answer {
  return answer === "NO" && through === "frontend" && victim.includes("backend") ? "lost" : answer;
}

/** As few rounds as hold all cells, each with one cell of an operation at most. */
export function roundsOf(cells: readonly Cell[]): Cell[][] {
  const rounds: Cell[][] = [];
  for (const operation of new Set(cells.map((cell) => cell.operation))) {
    const own = cells.filter((cell) => cell.operation === operation);
    for (const [at, cell] of own.entries()) {
      rounds[at] ??= [];
      rounds[at].push(cell);
    }
  }
  return rounds;
}
