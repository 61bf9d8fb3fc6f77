// Mailboxes of this server that sessions of this process want to hear of without having selected them (RFC 5465 §5.2). However
// many do, a mailbox is watched once and its totals are read once for each change; nobody holds its index open.

import { perObject } from "../../base/per-object.ts";
import type { MailboxEntry, UniqueId } from "../../mailbox/list.ts";
import type { Mailbox, MailboxTotals, MessageStore } from "../../mailbox/store.ts";

export interface MailboxWatch {
  /** As they are now, as far as this process has heard. */
  readonly totals: MailboxTotals;
  stop(): void;
}

interface Shared {
  readonly mailbox: Mailbox;
  readonly listeners: Set<() => void>;
  totals: MailboxTotals;
}

export class MailboxWatches {
  readonly #store: MessageStore;
  readonly #shared = new Map<UniqueId, Promise<Shared>>();

  constructor(store: MessageStore) {
    this.#store = store;
  }

  /** How many mailboxes are watched. */
  get size(): number {
    return this.#shared.size;
  }

  /** Calls back after each change by any process. Rejects like `MessageStore.open`. */
  async watch(entry: MailboxEntry, changed: () => void): Promise<MailboxWatch> {
    const { uniqueId, partition } = entry;
    let opening = this.#shared.get(uniqueId);
    if (!opening) {
      opening = this.#open(uniqueId, partition);
      this.#shared.set(uniqueId, opening);
      opening.catch(() => this.#shared.delete(uniqueId));
    }
    const shared = await opening;
    // The last one may have left while we waited.
    if (this.#shared.get(uniqueId) !== opening) return this.watch(entry, changed);
    const listener = () => changed();
    shared.listeners.add(listener);
    return {
      get totals() {
        return shared.totals;
      },
      stop: () => {
        if (!shared.listeners.delete(listener) || shared.listeners.size > 0) return;
        this.#shared.delete(uniqueId);
        shared.mailbox.release();
      },
    };
  }

  async #open(uniqueId: UniqueId, partition: string): Promise<Shared> {
    const mailbox = await this.#store.open(uniqueId, partition);
    try {
      let shared: Shared | undefined;
      mailbox.watch(() => shared && tellAll(shared));
      // In this order: what changes in between is heard of.
      shared = { mailbox, listeners: new Set(), totals: mailbox.totals() };
      return shared;
    } catch (fault) {
      mailbox.release();
      throw fault;
    }
  }
}

function tellAll(shared: Shared): void {
  try {
    shared.totals = shared.mailbox.totals();
  } catch {
    return; // removed: the mailbox list tells
  }
  for (const listener of [...shared.listeners]) listener();
}

export const mailboxWatchesOf = perObject((store: MessageStore) => new MailboxWatches(store));
