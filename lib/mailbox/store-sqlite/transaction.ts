// One write transaction on a mailbox, shared by all jobs of a batch. A job is a generator: it yields after each message,
// where a long transaction may let the event loop go on.

import type { UniqueId } from "../list.ts";
import type { ModSeq } from "../store.ts";
import type { IndexFile } from "./index-file.ts";
import type { TotalsRow } from "./totals.ts";

export interface WriteJob<T> {
  /** What the job does, for error texts: "append to the mailbox". */
  readonly action: string;
  /** How many messages it touches: decides whether it runs in one go. */
  readonly messages: number;
  /** How many UIDs it needs at most. */
  readonly newUids: number;
  steps(transaction: Transaction): Generator<void, T, void>;
}

/** The mailbox a transaction writes to. */
export interface WriteTarget {
  readonly uniqueId: UniqueId;
  readonly path: string;
  /** How many expunged messages are remembered at least. */
  readonly maxTombstones: number;
}

export class Transaction {
  totals: TotalsRow;
  /** Undoes what was done outside the database, when the transaction or its job fails. */
  readonly undo: (() => void)[] = [];
  /** Runs once the transaction is on disk. */
  readonly whenDurable: (() => Promise<void>)[] = [];
  /** What must be on disk, besides the index, for the transaction to count as durable. */
  readonly syncs = new Set<() => Promise<void>>();
  /** Whether entries of the mailbox folder must be synced before the transaction counts as durable. */
  hasNewFiles = false;
  /** Whether the row of totals must be written. */
  hasChanged = false;
  #modSeq: ModSeq | undefined;

  constructor(
    readonly target: WriteTarget,
    readonly index: IndexFile,
    totals: TotalsRow,
  ) {
    this.totals = totals;
  }

  /** The MODSEQ of the job's changes, allotted at its first change: what changes nothing does not count (RFC 7162 §3.1.3). */
  modSeq(): ModSeq {
    if (this.#modSeq === undefined) {
      this.totals.highestModSeq += 1;
      this.#modSeq = this.totals.highestModSeq as ModSeq; // the place where MODSEQs are made
      this.hasChanged = true;
    }
    return this.#modSeq;
  }

  /** The same, if there was a change. */
  get allotted(): ModSeq | undefined {
    return this.#modSeq;
  }

  /** Begins a job; returns what must be called when it fails, to leave the others' work as it was. */
  savepoint(): () => void {
    this.#modSeq = undefined;
    const totals = { ...this.totals };
    const undone = this.undo.length;
    const durable = this.whenDurable.length;
    const hadChanged = this.hasChanged;
    this.index.run("SAVEPOINT job");
    return () => {
      this.index.run("ROLLBACK TO job");
      this.index.run("RELEASE job");
      this.index.keywords.forget();
      for (const each of this.undo.splice(undone).reverse()) each();
      this.whenDurable.splice(durable);
      this.totals = totals;
      this.hasChanged = hadChanged;
    };
  }
}
