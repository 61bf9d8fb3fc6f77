// Carries a reconcile plan out. Every step looks again at what the list says now: time has passed since the plan.

import { describeFault, isTemporary, No } from "../base/fault.ts";
import type { MailboxName } from "../mailbox/name.ts";
import { type MailboxRecord, recordOf } from "../mupdate/record.ts";
import { eachInFlight } from "./in-flight.ts";
import {
  type Conflict,
  isAtUs,
  isOurs,
  mostInFlight,
  namesInWork,
  type PlannedActivation,
  type ReconcileOptions,
  type ReconcilePlan,
  type RemovalLimits,
  whyImplausible,
} from "./reconcile.ts";

export interface ApplySettings {
  readonly limits: RemovalLimits;
  /** An administrator has confirmed the plan, however much goes. */
  readonly isForced: boolean;
  /** Gives a mailbox another name, here and at the master, and returns it. Undefined: conflicts are failures. */
  readonly quarantine: ((name: MailboxName, cause: string) => Promise<MailboxName>) | undefined;
}

export interface Quarantined {
  readonly name: MailboxName;
  readonly to: MailboxName;
  /** Where the master has the name. */
  readonly master: string;
}

export interface ReconcileOutcome {
  readonly activated: number;
  readonly removed: number;
  readonly quarantined: readonly Quarantined[];
  /** Names left alone for now: reserved on another server, or taken by one since the plan. */
  readonly waiting: number;
  /** Names that could not be dealt with, and why. */
  readonly failures: readonly { readonly name: MailboxName; readonly reason: string }[];
}

/**
 * Rejects with No("CANNOT") for an implausible plan unless it is forced, with No("UNAVAILABLE") when the master goes
 * away: what has been done by then stays done, and a new plan has the rest. `now` is what of the plan shall be done now.
 */
export async function applyPlan(
  plan: ReconcilePlan,
  options: ReconcileOptions,
  settings: ApplySettings,
  now: ReconcilePlan = plan,
): Promise<ReconcileOutcome> {
  const objection = whyImplausible(plan, settings.limits);
  if (objection && !settings.isForced) throw new No("CANNOT", objection);
  return new Execution(now, options, settings).run();
}

type Step = "done" | "passed" | "waiting";

class Execution {
  readonly #plan: ReconcilePlan;
  readonly #options: ReconcileOptions;
  readonly #settings: ApplySettings;
  readonly #quarantined: Quarantined[] = [];
  readonly #failures: { readonly name: MailboxName; readonly reason: string }[] = [];
  #waiting: number;
  /** Names that operations claim, read once a turn of the event loop. */
  #inWork: ReadonlySet<MailboxName> | undefined;

  constructor(plan: ReconcilePlan, options: ReconcileOptions, settings: ApplySettings) {
    this.#plan = plan;
    this.#options = options;
    this.#settings = settings;
    this.#waiting = plan.waiting.length;
  }

  async run(): Promise<ReconcileOutcome> {
    const { remove, quarantine, activate } = this.#plan;
    const removed = await this.#all(remove, ({ name }) => this.#remove(name));
    // One after the other: each is several durable steps, and there should be few.
    for (const conflict of quarantine) await this.#attempt(conflict.name, () => this.#quarantine(conflict));
    const activated = await this.#all(activate, (step) => this.#activate(step));
    return {
      activated,
      removed,
      quarantined: this.#quarantined,
      waiting: this.#waiting,
      failures: this.#failures,
    };
  }

  /** Returns how many were done. */
  async #all<Item extends { readonly name: MailboxName } | PlannedActivation>(
    items: readonly Item[],
    step: (item: Item) => Promise<Step>,
  ): Promise<number> {
    let done = 0;
    await eachInFlight(items, mostInFlight, async (item) => {
      const outcome = await this.#attempt("name" in item ? item.name : item.record.name, () => step(item));
      if (outcome === "done") done += 1;
      if (outcome === "waiting") this.#waiting += 1;
    });
    return done;
  }

  async #attempt(name: MailboxName, work: () => Promise<Step>): Promise<Step> {
    try {
      return await work();
    } catch (fault) {
      if (fault instanceof No && fault.code === "UNAVAILABLE") throw fault;
      this.#failures.push({ name, reason: describeFault(fault) });
      return "passed";
    }
  }

  async #remove(name: MailboxName): Promise<Step> {
    const { master } = this.#options;
    const known = await master.find(name);
    if (!known || !isAtUs(known, this.#options)) return "passed"; // another server has it by now
    const entry = this.#options.list.find(name);
    if (this.#isInWork(name) || (entry && isOurs(entry, this.#options.server))) return "passed"; // made since the plan
    return (await master.remove(name)) ? "done" : "passed";
  }

  async #activate({ record: { name }, why }: PlannedActivation): Promise<Step> {
    const { master, isAuthoritative, isReplicated } = this.#options;
    const record = this.#recordNow(name);
    if (!record) return "passed";
    // Another server may claim the name at this moment, when all refill a master that lost its list: the first one has it.
    if (why === "missing" && !isAuthoritative && !isReplicated && !(await this.#reserve(record))) return "waiting";
    await master.activate(name, record.location, record.acl);
    return "done";
  }

  /** False when another server has the name. */
  async #reserve({ name, location }: MailboxRecord): Promise<boolean> {
    const { master } = this.#options;
    try {
      await master.reserve(name, location);
      return true;
    } catch (fault) {
      if (!(fault instanceof No) || isTemporary(fault)) throw fault;
      const known = await master.find(name);
      if (known && !isAtUs(known, this.#options)) return false;
      if (!known) throw fault;
      return true; // at another partition of ours: ACTIVATE moves it
    }
  }

  async #quarantine({ name, master: there }: Conflict): Promise<Step> {
    const { quarantine } = this.#settings;
    const known = await this.#options.master.find(name);
    if (!this.#recordNow(name) || known?.state !== "active" || isAtUs(known, this.#options)) {
      this.#waiting += 1; // it was settled meanwhile, or will be with the next plan
      return "waiting";
    }
    if (!quarantine) throw new No("CANNOT", `The master has it at ${there}`);
    const to = await quarantine(name, `the master has it at ${known.location}`);
    this.#quarantined.push({ name, to, master: known.location });
    return "done";
  }

  /** What the list says now of a mailbox of ours that nobody is at. */
  #recordNow(name: MailboxName): MailboxRecord | undefined {
    const { list, server } = this.#options;
    if (this.#isInWork(name)) return undefined;
    const entry = list.find(name);
    return entry && isOurs(entry, server) ? recordOf(entry, server) : undefined;
  }

  #isInWork(name: MailboxName): boolean {
    if (!this.#inWork) {
      this.#inWork = namesInWork(this.#options.list);
      setImmediate(() => {
        this.#inWork = undefined;
      });
    }
    return this.#inWork.has(name);
  }
}
