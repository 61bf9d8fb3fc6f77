// Notices that another process changed a database file: file-system events of its folder are the hint, the database's
// own answer is the truth. Costs nothing while nobody listens.

import { type FSWatcher, watch as watchFolder } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock, Timer } from "../../base/clock.ts";

/** An event may come before the commit can be seen: look again after these pauses. */
const recheckDelaysMs = [2, 10, 30];
/** For file systems without events. */
const pollIntervalMs = 500;

export class ChangeWatch {
  readonly #listeners = new Set<() => void>();
  #watcher: FSWatcher | undefined;
  #poll: Timer | undefined;
  #rechecks: Timer[] = [];
  #seen: number;

  /** `current` returns a number that grows with every change, by whichever process. */
  constructor(
    readonly path: string,
    readonly clock: Clock,
    readonly current: () => number,
  ) {
    this.#seen = current();
  }

  add(listener: () => void): () => void {
    const own = () => listener(); // the same function may be added twice
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.stop();
    };
  }

  /** Calls the listeners when there is something new. Called after own changes, too. */
  check(): void {
    if (this.#listeners.size === 0) return;
    const now = this.current();
    if (now === this.#seen) return;
    this.#seen = now;
    for (const listener of [...this.#listeners]) listener();
  }

  stop(): void {
    this.#listeners.clear();
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#poll?.cancel();
    this.#poll = undefined;
    for (const timer of this.#rechecks) timer.cancel();
    this.#rechecks = [];
  }

  #start(): void {
    this.#seen = this.current();
    const walName = `${basename(this.path)}-wal`;
    this.#watcher = watchFolder(dirname(this.path), { persistent: false }, (_event, file) => {
      if (file === walName) this.#hinted();
    });
    this.#watcher.on("error", () => {}); // the poll goes on
    this.#schedulePoll();
  }

  #hinted(): void {
    for (const timer of this.#rechecks) timer.cancel();
    this.#rechecks = recheckDelaysMs.map((delayMs) => this.clock.after(delayMs, () => this.check()));
    this.check();
  }

  #schedulePoll(): void {
    this.#poll = this.clock.after(pollIntervalMs, () => {
      this.check();
      if (this.#listeners.size > 0) this.#schedulePoll();
    });
  }
}
