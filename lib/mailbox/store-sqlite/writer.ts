// Writes to one mailbox, in order. Jobs that wait together share a transaction; a big one gets a connection of its own, so
// that it can stop between messages without showing others half of its work. A job's promise resolves when it is on disk.

import { setImmediate, setTimeout } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";
import { describeFault, No } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { diskFault, errorCode } from "../durable.ts";
import { IndexFile } from "./index-file.ts";
import { forgetTombstones } from "./tombstones.ts";
import { readPresentTotals, type TotalsRow, writeTotals } from "./totals.ts";
import { Transaction, type WriteJob, type WriteTarget } from "./transaction.ts";
import { hasReserved, reserveUids } from "./uid-reservation.ts";

/** Messages one transaction touches without letting the event loop go on: a few milliseconds. */
const sliceMessages = 100;
const lockDeadlineMs = 10_000;

/** What the writer needs of its mailbox. */
export interface WriterHost extends WriteTarget {
  readonly log: Log;
  readonly clock: Clock;
  /** Keeps the index open until the returned function is called. */
  pin(): { readonly index: IndexFile; unpin(): void };
  syncFolder(): Promise<void>;
  /** Never rejects. */
  room(): Promise<void> | undefined;
  /** Called after each commit, before it is on disk. */
  committed(): void;
}

interface Waiting {
  readonly job: WriteJob<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (fault: unknown) => void;
}

interface Done {
  readonly transaction: Transaction;
  readonly outcomes: readonly Outcome[];
}

type Outcome = { readonly result: unknown } | { readonly fault: unknown };

export class Writer {
  readonly #host: WriterHost;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  readonly #syncing = new Set<Promise<void>>();
  #confirmedUids = 0;

  constructor(host: WriterHost) {
    this.#host = host;
  }

  /** Resolves with the job's result when it is on disk. Rejects with what the job threw, or No("UNAVAILABLE"). */
  run<T>(job: WriteJob<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ job, resolve: (result) => resolve(result as T), reject }); // the result is this job's own
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    while (this.#draining || this.#syncing.size > 0) await Promise.all([this.#draining, ...this.#syncing]);
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // jobs of the same tick share the first transaction
    while (this.#queue.length > 0) {
      await this.#host.room();
      const batch = this.#nextBatch();
      try {
        const { durable } = await this.#commit(batch);
        const tracked = durable.then(() => void this.#syncing.delete(tracked));
        this.#syncing.add(tracked);
      } catch (fault) {
        for (const { job, reject } of batch) reject(diskFault(job.action, fault));
      }
    }
    this.#draining = undefined;
  }

  #nextBatch(): Waiting[] {
    let messages = 0;
    const end = this.#queue.findIndex(({ job }) => {
      messages += job.messages;
      return messages > sliceMessages;
    });
    return this.#queue.splice(0, end === -1 ? this.#queue.length : Math.max(end, 1));
  }

  /** Resolves when the batch is committed; `durable`, when it is on disk and answered, is never rejected. */
  async #commit(batch: readonly Waiting[]): Promise<{ readonly durable: Promise<void> }> {
    const { index, unpin } = this.#host.pin();
    const isBig = batch[0]!.job.messages > sliceMessages;
    let own: IndexFile | undefined;
    try {
      if (isBig) own = new IndexFile(index.path);
      const done = await this.#transact(own, index, batch);
      if (done.transaction.hasChanged) this.#host.committed();
      return { durable: this.#finish(batch, done, index).finally(unpin) };
    } catch (fault) {
      unpin();
      throw fault;
    } finally {
      own?.close();
    }
  }

  /**
   * Takes the write lock, with enough UIDs reserved on disk, and runs the batch. On the shared connection nothing is awaited
   * between BEGIN and COMMIT: the sessions' reads go through the same one.
   */
  async #transact(own: IndexFile | undefined, main: IndexFile, batch: readonly Waiting[]): Promise<Done> {
    const index = own ?? main;
    const newUids = batch.reduce((sum, { job }) => sum + job.newUids, 0);
    const deadline = this.#host.clock.monotonic() + lockDeadlineMs;
    for (let attempt = 0; ; attempt++) {
      const begun = this.#begin(index, newUids);
      if (begun instanceof Error) {
        if (attempt > 0 && this.#host.clock.monotonic() >= deadline) {
          throw new No("UNAVAILABLE", "Mailbox is busy", { cause: begun });
        }
        await pauseBeforeRetry(attempt);
        continue;
      }
      main.hasUncheckpointed = true;
      if (typeof begun === "number") {
        await Promise.all([main.walSync.committed(), this.#host.syncFolder()]);
        this.#confirmedUids = begun;
        continue;
      }
      const transaction = new Transaction(this.#host, index, begun);
      const steps = runBatch(batch, transaction);
      const outcomes = own ? await runSliced(steps) : runAtOnce(steps);
      return { transaction, outcomes };
    }
  }

  /** Begins a transaction. Returns an error when another has the lock, a number when UIDs up to it must be synced first. */
  #begin(index: IndexFile, newUids: number): TotalsRow | number | Error {
    try {
      index.run("BEGIN IMMEDIATE");
    } catch (fault) {
      if (fault instanceof Error && errorCode(fault).startsWith("SQLITE_BUSY")) return fault;
      throw fault;
    }
    try {
      const totals = readPresentTotals(index);
      if (newUids === 0 || hasReserved(totals, newUids, this.#confirmedUids)) {
        totals.uidDurable = Math.max(totals.uidDurable, this.#confirmedUids);
        return totals;
      }
      const bound = reserveUids(index, totals, newUids);
      index.run("COMMIT");
      return bound;
    } catch (fault) {
      rollBack(index);
      throw fault;
    }
  }

  /** Answers the jobs of a committed batch when it is on disk. Never rejects. */
  async #finish(batch: readonly Waiting[], { transaction, outcomes }: Done, index: IndexFile): Promise<void> {
    try {
      if (transaction.hasChanged) {
        const files = transaction.hasNewFiles ? [this.#host.syncFolder()] : [];
        for (const sync of transaction.syncs) files.push(sync());
        await Promise.all([index.walSync.committed(), ...files]);
      }
      for (const [position, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[position]!;
        if ("fault" in outcome) reject(outcome.fault);
        else resolve(outcome.result);
      }
    } catch (fault) {
      this.#host.log.error("cannot sync mailbox", { mailbox: this.#host.uniqueId, fault: describeFault(fault) });
      for (const { job, reject } of batch) reject(diskFault(job.action, fault));
      return;
    }
    for (const action of transaction.whenDurable) {
      await action().catch((fault: unknown) => {
        this.#host.log.warning("cannot remove files", { mailbox: this.#host.uniqueId, fault: describeFault(fault) });
      });
    }
  }
}

/** The jobs one after the other, then COMMIT; on failure everything is taken back. */
function* runBatch(batch: readonly Waiting[], transaction: Transaction): Generator<void, readonly Outcome[], void> {
  const { index } = transaction;
  try {
    const outcomes: Outcome[] = [];
    for (const { job } of batch) outcomes.push(yield* runJob(job, transaction));
    if (transaction.hasChanged) {
      forgetTombstones(transaction);
      writeTotals(index, transaction.totals);
    }
    index.run("COMMIT");
    return outcomes;
  } catch (fault) {
    rollBack(index);
    for (const undo of transaction.undo.reverse()) undo();
    throw fault;
  }
}

function runAtOnce<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

async function runSliced<T>(steps: Generator<void, T, void>): Promise<T> {
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done) return step.value;
    if (count % sliceMessages === 0) await setImmediate();
  }
}

/**
 * SQLite's own busy handler would hold the loop, and is unfair. These timers keep a program alive, unlike those of `Clock`:
 * one that only writes must not end in the middle.
 */
async function pauseBeforeRetry(attempt: number): Promise<void> {
  if (attempt < 3) await setImmediate();
  else await setTimeout(Math.random() * Math.min(attempt, 5));
}

/** Runs a job so that its failure (over quota, say) takes back its own work only. */
function* runJob(job: WriteJob<unknown>, transaction: Transaction): Generator<void, Outcome, void> {
  const undo = transaction.savepoint();
  try {
    const result = yield* job.steps(transaction);
    transaction.index.run("RELEASE job");
    return { result };
  } catch (fault) {
    // A fault of the disk may have ended the whole transaction; one of the job itself has not.
    if (/^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY)/.test(errorCode(fault))) throw fault;
    undo();
    return { fault: fault instanceof No ? fault : errorCode(fault) ? diskFault(job.action, fault) : fault };
  }
}

function rollBack(index: IndexFile): void {
  index.keywords.forget();
  try {
    index.run("ROLLBACK");
  } catch {
    // SQLite has rolled back already (disk full), or BEGIN never succeeded.
  }
}
