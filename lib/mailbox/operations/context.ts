// What all operations on the mailbox list work with, and the steps they share.

import { actingSession } from "../../base/acting-session.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import { describeFault, isTemporary, No } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { IdentifierSettings } from "../acl.ts";
import type { Annotations } from "../annotation.ts";
import type { RightsSettings } from "../effective-rights.ts";
import { conflictWith, type JournalEdit, type JournalRecord, type JournalWork } from "../journal.ts";
import type { Location, MailboxEntry, MailboxList, UniqueId } from "../list.ts";
import type { MailboxName } from "../name.ts";
import type { QuotaBook } from "../quota.ts";
import type { Registrar } from "../registrar.ts";
import type { MessageStore } from "../store.ts";
import type { Subscriptions } from "../subscription.ts";
import { NameLocks } from "./name-locks.ts";
import { Tickets } from "./tickets.ts";

/** Options by their imapd.conf names. */
export interface OperationsSettings extends RightsSettings, IdentifierSettings {
  readonly servername: string;
  readonly partitions: ReadonlyMap<string, string>;
  readonly defaultpartition?: string | undefined;
  readonly defaultacl: string;
  readonly allowsetacl: boolean;
  readonly delete_mode: "immediate" | "delayed";
  readonly deletedprefix: string;
  readonly delete_without_mupdate: boolean;
}

/** `step` is "create:reserve" and the like, `name` the mailbox that the operation is about. */
export type AtStep = (step: string, name: MailboxName) => void | Promise<void>;

export interface OperationsOptions {
  readonly list: MailboxList;
  readonly store: MessageStore;
  readonly registrar: Registrar;
  readonly subscriptions: Subscriptions;
  readonly annotations?: Annotations;
  readonly quota: QuotaBook;
  readonly settings: OperationsSettings;
  readonly log: Log;
  readonly clock: Clock;
  /** Names this process in the journal: no two that ever run may have the same. */
  readonly worker?: string;
  /** Whether a process that left a journal record still runs: its records are its own business then. */
  readonly isWorkerAlive?: (worker: string) => boolean;
  /** Called before each step and awaited: fault tests stop or kill the process here. */
  readonly atStep?: AtStep;
}

/** How long an operation waits for another process to finish one on the same name. */
const beginDeadlineMs = 10_000;
const beginPauseMs = 20;
/** Of the master: enough for its groups, and few enough that each is answered soon. */
const askedAtOnce = 128;

export class OperationsContext {
  readonly list: MailboxList;
  readonly store: MessageStore;
  readonly registrar: Registrar;
  readonly subscriptions: Subscriptions;
  readonly annotations: Annotations | undefined;
  readonly quota: QuotaBook;
  readonly settings: OperationsSettings;
  readonly clock: Clock;
  readonly locks: NameLocks;
  readonly tickets: Tickets;
  /** What was last said about operations that wait for the master. */
  readonly waiting = new Map<MailboxName, string>();
  readonly #log: Log;
  readonly #atStep: AtStep | undefined;
  /** Finishes or undoes what a record says was begun, unless another process is at it: recovery.ts. Set by MailboxOperations. */
  settle: (record: JournalRecord) => Promise<boolean> = async () => false;
  /** A record stays behind: the master has to be asked again. */
  onPending: () => void = () => {};

  /** `shared`: of another context of the same process. */
  constructor(options: OperationsOptions, shared?: OperationsContext) {
    this.list = options.list;
    this.store = options.store;
    this.registrar = options.registrar;
    this.subscriptions = options.subscriptions;
    this.annotations = options.annotations;
    this.quota = options.quota;
    this.settings = options.settings;
    this.clock = options.clock;
    this.locks = shared?.locks ?? new NameLocks(options.clock);
    this.tickets = shared?.tickets ?? new Tickets(options.worker ?? crypto.randomUUID(), options.isWorkerAlive);
    this.#log = options.log;
    this.#atStep = options.atStep;
  }

  /** With the session that acts, if one does. */
  get log(): Log {
    const session = actingSession();
    return session === undefined ? this.#log : this.#log.with({ session });
  }

  async step(step: string, name: MailboxName): Promise<void> {
    await this.#atStep?.(step, name);
  }

  /** A mailbox that is gone, with all that is kept with it. */
  async removeFolder(uniqueId: UniqueId, partition: string): Promise<void> {
    await this.store.remove(uniqueId, partition);
    await this.annotations?.removeMailbox(uniqueId);
  }

  get hasVirtualDomains(): boolean {
    return this.settings.virtdomains !== "off";
  }

  locationOf(entry: { readonly partition: string }): Location {
    return `${this.settings.servername}!${entry.partition}` as Location;
  }

  isOurs(location: Location): boolean {
    return location.startsWith(`${this.settings.servername}!`);
  }

  newUniqueId(): UniqueId {
    return crypto.randomUUID() as UniqueId;
  }

  /** Higher than any that a mailbox of this server ever had, so that a name can come back (RFC 9051 §2.3.1.1). */
  newUidValidity(): number {
    return Math.max(Math.floor(this.clock.now() / 1000), this.list.maxUidValidity + 1);
  }

  /**
   * Writes down that `work` begins on `name`, whose lock the caller holds. What a crash left of an earlier operation is
   * settled first; one that runs, here or in another process, is waited for.
   */
  async begin(name: MailboxName, work: JournalWork): Promise<JournalRecord> {
    const [record] = await this.beginAll([{ name, work }]);
    return record!;
  }

  /** The same for several mailboxes, all or none. */
  async beginAll(claims: readonly Omit<JournalRecord, "worker">[]): Promise<readonly JournalRecord[]> {
    const worker = this.tickets.issue();
    this.locks.whenReleased(claims[0]!.name, () => this.tickets.end(worker));
    const records = claims.map((claim) => ({ ...claim, worker }));
    const deadlineMs = this.clock.monotonic() + beginDeadlineMs;
    for (;;) {
      const rivals = this.#rivalsOf(records);
      if (rivals.length === 0 && (await this.#enter(records))) {
        if (await this.#prevails(records, deadlineMs)) return records;
        await this.clear(...records);
      }
      if (await this.#settleLeft(rivals)) continue;
      if (this.clock.monotonic() > deadlineMs) throw new No("INUSE", "Mailbox is locked");
      await sleep(this.clock, beginPauseMs);
    }
  }

  #rivalsOf(records: readonly JournalRecord[]): readonly JournalRecord[] {
    const journal = this.list.journal();
    return journal.length === 0 ? [] : journal.filter(conflictWith(records));
  }

  /** False when one of the names has a record by now. */
  async #enter(records: readonly JournalRecord[]): Promise<boolean> {
    try {
      await this.list.change(
        [],
        records.map((begin) => ({ begin })),
      );
      return true;
    } catch (fault) {
      if (fault instanceof No && fault.code === "INUSE") return false;
      throw fault;
    }
  }

  /** Two that entered at the same moment saw nobody and see each other now: the later name waits, the other steps back. */
  async #prevails(records: readonly JournalRecord[], deadlineMs: number): Promise<boolean> {
    const ours = new Set(records.map(({ name }) => name));
    for (;;) {
      const others = this.list.journal().filter(({ name }) => !ours.has(name));
      const rivals = others.length === 0 ? [] : others.filter(conflictWith(records));
      if (rivals.length === 0) return true;
      const stepsBack = rivals.some((rival) => isAfterAll(rival, records.filter(conflictWith([rival]))));
      if (stepsBack || this.clock.monotonic() > deadlineMs) return false;
      if (!(await this.#settleLeft(rivals))) await sleep(this.clock, beginPauseMs);
    }
  }

  /** Whether any of `rivals` was left behind and is settled now. */
  async #settleLeft(rivals: readonly JournalRecord[]): Promise<boolean> {
    let isSettled = false;
    for (const rival of rivals) {
      if (this.tickets.isOver(rival.worker) && (await this.settle(rival))) isSettled = true;
    }
    return isSettled;
  }

  async clear(...records: readonly JournalRecord[]): Promise<void> {
    await this.list.change(
      [],
      records.map(({ name }) => ({ clear: name })),
    );
  }

  /** Leaves a record to whoever can settle it later. */
  async leave(record: JournalRecord, cause: unknown): Promise<void> {
    await this.end([{ record, problem: cause }]);
  }

  /** Crosses records out; those with a problem are left to whoever can settle them later. */
  async end(ends: readonly { readonly record: JournalRecord; readonly problem: unknown }[]): Promise<void> {
    const edits = ends.map(({ record, problem }): JournalEdit => {
      if (problem === undefined) return { clear: record.name };
      this.log.warning("operation left for later", {
        mailbox: record.name,
        operation: record.work.kind,
        step: record.work.step,
        error: describeFault(problem),
      });
      return { write: { ...record, worker: "" } };
    });
    await this.list.change([], edits);
    if (ends.some(({ problem }) => problem !== undefined)) this.onPending();
  }

  /** Undoes with `undo` and crosses the record out, or leaves it for later when that cannot be done. */
  async undo(record: JournalRecord, undo: () => Promise<void>): Promise<void> {
    try {
      await undo();
      await this.clear(record);
    } catch (fault) {
      await this.leave(record, fault);
    }
  }

  /** After `fault`, which the master gave: a refusal changed nothing; else nobody knows, and whoever asks it next undoes. */
  async giveUp(record: JournalRecord, fault: unknown): Promise<void> {
    if (isRefusal(fault)) await this.clear(record);
    else await this.leave(record, fault);
  }

  /** Makes the master forget a name that this server has no use for; leaves alone what is another's or in use. */
  async release(name: MailboxName): Promise<void> {
    if (this.list.find(name) !== undefined) return;
    const known = await this.registrar.find(name);
    if (known && this.isOurs(known.location)) await this.registrar.remove(name);
  }

  async activate(entry: MailboxEntry): Promise<void> {
    await this.registrar.activate(entry.name, this.locationOf(entry), entry.acl);
  }
}

/** Whether the authority has said no, so that nothing happened there; otherwise nobody knows. */
export function isRefusal(fault: unknown): boolean {
  return fault instanceof No && !isTemporary(fault);
}

function isAfterAll({ name }: JournalRecord, records: readonly JournalRecord[]): boolean {
  return records.every((each) => name > each.name);
}

/** Runs `work` for all, `atOnce` at a time; rejects with the first failure after those that had begun have ended. */
export async function forEachAtOnce<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce = askedAtOnce,
): Promise<void> {
  let next = 0;
  const faults: unknown[] = [];
  const lane = async () => {
    while (next < items.length && faults.length === 0) {
      const item = items[next]!;
      next += 1;
      await work(item).catch((fault: unknown) => void faults.push(fault));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  if (faults.length > 0) throw faults[0];
}
