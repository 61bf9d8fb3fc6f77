// The changes of a MUPDATE server's list as an asynchronous sequence, each with what was there before. It ends when it is told
// to, and fails when the connection is lost.

import type { Clock } from "../../base/clock.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import { isSameRecord, type MailboxRecord } from "../../mupdate/record.ts";

export interface SeenChange {
  readonly atMs: number;
  readonly name: MailboxName;
  /** null: not known. */
  readonly before: MailboxRecord | undefined | null;
  readonly after: MailboxRecord | undefined;
  /** Where the server's feed is with it, "feed:12"; undefined for a server without one. */
  readonly position: string | undefined;
}

export interface ChangeStreamOptions {
  readonly clock: Clock;
  /** Whether all records come before the changes; else nothing is known of what was there before. */
  readonly hasWholeList: boolean;
  /** The feed that marks belong to: changes then wait for theirs. Undefined: no marks come. */
  readonly feed: string | undefined;
  readonly isWanted: (name: MailboxName) => boolean;
}

/** Takes the stream of UPDATE or RESUME. */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #known = new Map<MailboxName, MailboxRecord>();
  readonly #heard = new Set<MailboxName>();
  #unmarked: Omit<SeenChange, "position">[] = [];
  readonly #ready: SeenChange[] = [];
  #isLive: boolean;
  #end: { readonly fault: Error | undefined } | undefined;
  #wake = () => {};

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
    this.#isLive = !options.hasWholeList;
  }

  record(record: MailboxRecord): void {
    this.#take(record.name, record);
  }

  deletion(name: MailboxName): void {
    this.#take(name, undefined);
  }

  mark(sequence: number): void {
    this.#isLive = true; // the first mark stands behind the whole list
    this.#publish(`${this.#options.feed}:${sequence}`);
  }

  /** The whole list has come: changes from now on. */
  live(): void {
    this.#isLive = true;
  }

  /** Ends the sequence; with a fault the reader gets it when he has read all. */
  end(fault?: Error): void {
    this.#end ??= { fault };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SeenChange> {
    for (;;) {
      yield* this.#ready.splice(0);
      if (this.#ready.length > 0) continue;
      if (this.#end) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#end.fault) throw this.#end.fault;
  }

  #take(name: MailboxName, after: MailboxRecord | undefined): void {
    const { clock, isWanted, feed, hasWholeList } = this.#options;
    if (!isWanted(name)) return;
    const isKnown = hasWholeList || this.#heard.has(name);
    const before = isKnown ? this.#known.get(name) : null;
    this.#heard.add(name);
    if (after) this.#known.set(name, after);
    else this.#known.delete(name);
    if (!this.#isLive || (before !== null && isSame(before, after))) return;
    this.#unmarked.push({ atMs: clock.now(), name, before, after });
    if (feed === undefined) this.#publish(undefined);
  }

  #publish(position: string | undefined): void {
    for (const change of this.#unmarked.splice(0)) this.#ready.push({ ...change, position });
    this.#wake();
  }
}

/** RESUME tells the state of now once for every change that was missed: only the first time is news. */
function isSame(before: MailboxRecord | undefined, after: MailboxRecord | undefined): boolean {
  if (!before || !after) return before === after;
  return isSameRecord(before, after);
}
