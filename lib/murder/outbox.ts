// What the master has not heard of: operations that were left in the journal for later.

import type { Clock } from "../base/clock.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";

export interface OutboxState {
  readonly outbox: number;
  /** How long the oldest is known to wait. */
  readonly oldestMs: number;
}

export class Outbox {
  readonly #list: MailboxList;
  readonly #clock: Clock;
  #sinceMs = new Map<MailboxName, number>();

  constructor(list: MailboxList, clock: Clock) {
    this.#list = list;
    this.#clock = clock;
  }

  look(): OutboxState {
    const nowMs = this.#clock.monotonic();
    const sinceMs = new Map<MailboxName, number>();
    for (const { name, worker } of this.#list.journal()) {
      if (worker === "") sinceMs.set(name, this.#sinceMs.get(name) ?? nowMs);
    }
    this.#sinceMs = sinceMs;
    const oldest = sinceMs.values().reduce((least, each) => Math.min(least, each), nowMs);
    return { outbox: sinceMs.size, oldestMs: nowMs - oldest };
  }
}
