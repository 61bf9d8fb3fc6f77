// Keeps a backend and the master agreed without an administrator (S163–S168): at the start and whenever the master is back,
// first what operations left for later is told, then a plan is made and carried out. One process of a server does it: who
// it is stands beside the list, and when he has died another takes his place.

import type { Clock, Timer } from "../base/clock.ts";
import { describeFault, isTemporary } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { applyPlan, type ReconcileOutcome } from "./apply-plan.ts";
import { Outbox } from "./outbox.ts";
import { planReconcile, type ReconcileOptions, type ReconcilePlan, type RemovalLimits } from "./reconcile.ts";
import { describeRound, type Round, readRound, reconcileMetrics, roundNote } from "./reconcile-round.ts";
import { forgetFormerServers, readServerNames } from "./server-name.ts";

export type ReconcilerMaster = Pick<
  MupdateClient,
  "list" | "find" | "reserve" | "activate" | "remove" | "noop" | "report" | "banner" | "isOpen"
>;

export interface ReconcilerOptions {
  readonly list: MailboxList;
  readonly server: string;
  readonly isReplicated: boolean;
  /** The list has other servers' mailboxes, too: how many are here is known since the last comparison. */
  readonly listsOthers: boolean;
  readonly deletedPrefix: string;
  readonly limits: RemovalLimits;
  /** How long the master must have had a name elsewhere before the copy here moves. */
  readonly quarantineDelayMs: number;
  /** Between reports to the master, signs of life on the connection, and looks at who does the work. */
  readonly intervalMs: number;
  /** Tells the master what operations left for later. */
  readonly settle: () => Promise<unknown>;
  readonly quarantine: (name: MailboxName, cause: string) => Promise<MailboxName>;
  /** This process, and whether another one lives. */
  readonly worker: string;
  readonly isWorkerAlive: (worker: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const workerNote = "reconciler";
const firstRetryMs = 1_000;
const lastRetryMs = 30 * 60_000;
const mostNamesShown = 100;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #outbox: Outbox;
  readonly #counters: ReturnType<typeof reconcileMetrics>;
  #master: ReconcilerMaster | undefined;
  #work: Promise<void> = Promise.resolve();
  #beat: Timer | undefined;
  #retry: Timer | undefined;
  #retries = 0;
  #isClosed = false;
  /** When the master was first seen to have a name of ours elsewhere. */
  #conflictSinceMs = new Map<MailboxName, number>();
  #last: Round | undefined;
  #quarantined: readonly MailboxName[] = [];
  #mailboxes: number | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.list, options.clock);
    this.#counters = reconcileMetrics(options.metrics);
    this.#scheduleBeat();
  }

  /** The connection to the master is there (again): resolves when both agree, or when another process sees to it. */
  masterBack(master: ReconcilerMaster): Promise<void> {
    this.#master = master;
    this.#retries = 0;
    return this.#inTurn(async () => {
      if (await this.#isInCharge()) await this.#round(master);
    });
  }

  /** For the status page. */
  state(): Readonly<Record<string, unknown>> {
    const { outbox, oldestMs } = this.#outbox.look();
    const round = this.#last ?? readRound(this.#options.list);
    return {
      master: this.#master?.isOpen ? "connected" : "away",
      isReconciler: this.#holder === this.#options.worker,
      outbox,
      oldestMs,
      lastReconcileMs: round?.atMs ?? 0,
      lastReconcile: round && { ...round },
      quarantined: this.#quarantined.slice(0, mostNamesShown),
    };
  }

  /** Ends the work and leaves it to another process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#beat?.cancel();
    this.#retry?.cancel();
    await this.#work;
    const { list, worker } = this.#options;
    if (this.#holder === worker) await list.setNote(workerNote, undefined, worker).catch(() => false);
  }

  get #holder(): string | undefined {
    return this.#options.list.note(workerNote);
  }

  /** Whether this process is the one to do it; it becomes that when there is none. */
  async #isInCharge(): Promise<boolean> {
    const { list, worker, isWorkerAlive } = this.#options;
    const holder = this.#holder;
    if (this.#isClosed) return false;
    if (holder === worker) return true;
    if (holder !== undefined && isWorkerAlive(holder)) return false;
    return list.setNote(workerNote, worker, holder);
  }

  /** One thing after the other; never rejects. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((fault: unknown) => {
      if (this.#master && !this.#master.isOpen) return; // masterBack() comes again
      const { log } = this.#options;
      const reason = describeFault(fault);
      if (isTemporary(fault)) log.warning("not yet agreed with the master", { reason });
      else log.error("cannot agree with the master", { reason });
      this.#scheduleRetry();
    });
    return this.#work;
  }

  async #round(master: ReconcilerMaster): Promise<void> {
    const { settle, list, server, isReplicated, deletedPrefix } = this.#options;
    if (this.#isClosed || !master.isOpen) return; // masterBack() comes again
    await settle();
    const { formers: formerServers } = readServerNames(list);
    const options = { list, master, server, isReplicated, deletedPrefix, formerServers, isAuthoritative: false };
    const plan = await planReconcile(options);
    const round = await this.#carryOut(plan, options);
    await this.#finish(round, plan);
    const isDone = round.refused === undefined && round.waiting === 0 && round.failures === 0;
    if (isDone) {
      if (formerServers.length > 0) await forgetFormerServers(list, formerServers);
      this.#retries = 0;
    } else this.#scheduleRetry();
    await this.#tell(master);
  }

  async #carryOut(plan: ReconcilePlan, options: ReconcileOptions): Promise<Round> {
    const { limits, quarantine, clock, log } = this.#options;
    this.#quarantined = plan.quarantined;
    const ripe = this.#onlyRipe(plan);
    try {
      // The plan as a whole has to be plausible, not only what of it is done now.
      const outcome = await applyPlan(plan, options, { limits, isForced: false, quarantine }, ripe);
      for (const { name, reason } of outcome.failures)
        log.warning("cannot agree on mailbox", { mailbox: name, reason });
      this.#quarantined = [...plan.quarantined, ...outcome.quarantined.map(({ to }) => to)];
      return roundOf(outcome, clock.now());
    } catch (fault) {
      if (isTemporary(fault)) throw fault;
      const refused = describeFault(fault);
      if (refused !== this.#last?.refused) log.error("not agreed with the master", { reason: refused, remedy });
      return { atMs: clock.now(), activated: 0, removed: 0, quarantined: 0, waiting: 0, failures: 0, refused };
    }
  }

  /** Leaves conflicts alone that are new: the other server may be about to withdraw its claim. */
  #onlyRipe(plan: ReconcilePlan): ReconcilePlan {
    const { clock, quarantineDelayMs, log } = this.#options;
    const nowMs = clock.monotonic();
    const sinceMs = new Map<MailboxName, number>();
    for (const { name, master } of plan.quarantine) {
      const known = this.#conflictSinceMs.get(name);
      if (known === undefined) log.error("mailbox is on two servers", { mailbox: name, master });
      sinceMs.set(name, known ?? nowMs);
    }
    this.#conflictSinceMs = sinceMs;
    const isRipe = (name: MailboxName) => nowMs - sinceMs.get(name)! >= quarantineDelayMs;
    return {
      ...plan,
      quarantine: plan.quarantine.filter(({ name }) => isRipe(name)),
      waiting: [...plan.waiting, ...plan.quarantine.filter(({ name }) => !isRipe(name))],
    };
  }

  async #finish(round: Round, plan: ReconcilePlan): Promise<void> {
    const { list, log } = this.#options;
    this.#counters.count(round);
    this.#last = round;
    this.#mailboxes = plan.mailboxes;
    this.#counters.quarantined.set(this.#quarantined.length);
    const { atMs: _, refused, ...counts } = round;
    if (refused === undefined) log.notice("agreed with the master", { mailboxes: plan.mailboxes, ...counts });
    await list.setNote(roundNote, JSON.stringify(round), list.note(roundNote));
  }

  #scheduleRetry(): void {
    const { clock } = this.#options;
    this.#retry?.cancel();
    if (this.#isClosed) return;
    // Soon at first: another server that withdraws a wrong claim does so at once when it is there.
    const delayMs = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(this.#retries, 20));
    this.#retries += 1;
    this.#retry = clock.after(delayMs, () => {
      const master = this.#master;
      if (!master) return;
      void this.#inTurn(async () => {
        if (await this.#isInCharge()) await this.#round(master);
      });
    });
  }

  #scheduleBeat(): void {
    const { clock, intervalMs } = this.#options;
    if (this.#isClosed) return;
    this.#beat = clock.after(intervalMs, () => {
      void this.#inTurn(() => this.#look()).then(() => this.#scheduleBeat());
    });
  }

  /** Sees whether the master lives and who does the work. */
  async #look(): Promise<void> {
    const master = this.#master;
    this.#counters.outbox(this.#outbox.look());
    if (!master?.isOpen) return;
    const wasInCharge = this.#holder === this.#options.worker;
    if (!(await this.#isInCharge())) await master.noop();
    else if (wasInCharge) await this.#tell(master);
    else await this.#round(master);
  }

  /** Tells a master that wants to know how this server is. It is a sign of life, too. */
  async #tell(master: ReconcilerMaster): Promise<void> {
    const { list, server, listsOthers } = this.#options;
    if (master.banner.feed === undefined) return master.noop();
    const lastReconcile = this.#last ? describeRound(this.#last) : "";
    await master.report("backend", server, {
      mailboxes: listsOthers ? (this.#mailboxes ?? list.size) : list.size,
      ...this.#outbox.look(),
      lastReconcileMs: this.#last?.atMs ?? 0,
      lastReconcile,
    });
  }
}

const remedy = "look at ctl_mboxlist -m -w; confirm with ctl_mboxlist -m --force";

function roundOf(outcome: ReconcileOutcome, atMs: number): Round {
  const { activated, removed, quarantined, waiting, failures } = outcome;
  return { atMs, activated, removed, quarantined: quarantined.length, waiting, failures: failures.length };
}
