// One operation at a time on a name, within this process. Between processes the journal does the same.

import type { Clock } from "../../base/clock.ts";
import { No } from "../../base/fault.ts";
import type { MailboxName } from "../name.ts";

/** How long an operation waits for another on the same name. */
const waitDeadlineMs = 30_000;

export class NameLocks {
  /** The end of the line at each name. */
  readonly #tails = new Map<MailboxName, Promise<void>>();

  /** What ends with the hold of a name. */
  readonly #endings = new Map<MailboxName, () => void>();

  constructor(readonly clock: Clock) {}

  /** Runs `work` while nobody else holds any of `names`. Rejects with No("INUSE") when that takes too long. */
  async hold<T>(names: readonly MailboxName[], work: () => Promise<T>): Promise<T> {
    const releases: (() => void)[] = [];
    try {
      // Always in the same order: two operations can wait for each other only in one direction.
      for (const name of [...new Set(names)].sort()) releases.push(await this.#acquire(name));
      return await work();
    } finally {
      for (const name of names) {
        this.#endings.get(name)?.();
        this.#endings.delete(name);
      }
      for (const release of releases) release();
    }
  }

  /** For who holds `name`: calls `end` when he gives it back. */
  whenReleased(name: MailboxName, end: () => void): void {
    this.#endings.get(name)?.(); // of an earlier piece of work under the same hold
    this.#endings.set(name, end);
  }

  async #acquire(name: MailboxName): Promise<() => void> {
    const before = this.#tails.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    const tail = (before ?? Promise.resolve()).then(() => promise);
    this.#tails.set(name, tail);
    const release = () => {
      resolve();
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    };
    if (before && !(await this.#endsInTime(before))) {
      release();
      throw new No("INUSE", "Mailbox is locked");
    }
    return release;
  }

  #endsInTime(before: Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.clock.after(waitDeadlineMs, () => resolve(false));
      void before.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }
}
