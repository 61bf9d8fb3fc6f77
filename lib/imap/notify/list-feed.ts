// Changes of the mailbox list for the sessions of this process that watch it (RFC 5465 §5.4): read once for all of them,
// and not watched at all while nobody wants to know.

import { perObject } from "../../base/per-object.ts";
import type { ListChange, MailboxList } from "../../mailbox/list.ts";

/** Undefined: more has changed than can be told name by name. */
export type ListListener = (changes: readonly ListChange[] | undefined) => void;

/** More at once is a new copy of the list. */
const mostChangesAtOnce = 2_000;

export class ListFeed {
  readonly #list: MailboxList;
  readonly #listeners = new Set<ListListener>();
  #sequence = 0;
  #stop: (() => void) | undefined;

  constructor(list: MailboxList) {
    this.#list = list;
  }

  /** Returns the way to stop. */
  subscribe(listener: ListListener): () => void {
    const entry: ListListener = (changes) => listener(changes);
    if (this.#listeners.size === 0) this.#start();
    else this.#read(); // what came before is not this listener's
    this.#listeners.add(entry);
    return () => {
      if (!this.#listeners.delete(entry) || this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  #start(): void {
    this.#stop = this.#list.watch(() => this.#read());
    this.#sequence = this.#list.sequence;
  }

  #read(): void {
    const { sequence } = this.#list;
    if (sequence === this.#sequence) return;
    const isTooMuch = sequence - this.#sequence > mostChangesAtOnce;
    const changes = isTooMuch ? undefined : this.#list.changesSince(this.#sequence);
    this.#sequence = changes?.at(-1)?.sequence ?? sequence;
    for (const listener of [...this.#listeners]) listener(changes);
  }
}

export const listFeedOf = perObject((list: MailboxList) => new ListFeed(list));
