// Wakes the sessions that look at a mailbox when any process has changed it: inotify on the mailbox folder, one watch per
// mailbox however many look (2.7 KB and no descriptor of its own, measured). A commit writes to the -wal file, a checkpoint
// to the database; that SQLite makes and removes its files when somebody merely reads is not a change.

import fs from "node:fs";
import type { Clock, Timer } from "../../base/clock.ts";
import { describeFault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";

const pollMs = 1000;
/**
 * When to look again after an event that found nothing new: SQLite writes a commit to the WAL, which wakes us, before it
 * makes it visible through shared memory, which does not.
 */
const secondLooksMs: readonly number[] = [1, 5, 30, 250];

export interface WatchedMailbox {
  readonly path: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Asks the index. */
  version(): number;
}

export class ChangeWatch {
  readonly #mailbox: WatchedMailbox;
  readonly #listeners = new Set<() => void>();
  #watcher: fs.FSWatcher | undefined;
  #poll: Timer | undefined;
  #version = 0;
  #isScheduled = false;
  #secondLook: Timer | undefined;

  constructor(mailbox: WatchedMailbox) {
    this.#mailbox = mailbox;
  }

  get isWatching(): boolean {
    return this.#listeners.size > 0;
  }

  add(listener: () => void): () => void {
    // The same function may be given twice: each use has its own entry.
    const entry = () => listener();
    if (this.#listeners.size === 0) this.#start();
    this.#listeners.add(entry);
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.stop();
    };
  }

  /**
   * A commit of this process, or an event: tells the listeners when the version differs from the one they know. Returns
   * whether it did.
   */
  check(): boolean {
    if (this.#listeners.size === 0) return true;
    let version: number;
    try {
      version = this.#mailbox.version();
    } catch {
      version = Number.NaN; // removed or damaged: the listener finds out which
    }
    if (version === this.#version) return false;
    this.#version = version;
    for (const listener of [...this.#listeners]) listener();
    return true;
  }

  stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#poll?.cancel();
    this.#poll = undefined;
    this.#secondLook?.cancel();
    this.#secondLook = undefined;
  }

  #start(): void {
    const { path, log } = this.#mailbox;
    try {
      this.#watcher = fs.watch(path, { persistent: false }, (event, name) => this.#event(event, name));
      this.#watcher.on("error", () => this.#startPolling());
    } catch (fault) {
      log.warning("cannot watch mailbox, looking once a second", { path, fault: describeFault(fault) });
      this.#startPolling();
    }
    this.#version = this.#mailbox.version();
  }

  #event(event: string, name: string | null): void {
    if (this.#isScheduled) return;
    // The index itself also when it goes: the mailbox was removed.
    if (name !== "index.db" && !(event === "change" && name === "index.db-wal" && this.#walSize() > 0)) return;
    // Events come in bursts: one look for all that are waiting.
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#look(0);
    });
  }

  #look(attempt: number): void {
    this.#secondLook?.cancel();
    this.#secondLook = undefined;
    const delayMs = secondLooksMs[attempt];
    if (this.check() || delayMs === undefined) return;
    this.#secondLook = this.#mailbox.clock.after(delayMs, () => this.#look(attempt + 1));
  }

  #startPolling(): void {
    this.#poll?.cancel();
    let before = this.#fingerprint();
    const look = () => {
      const now = this.#fingerprint();
      if (now !== before) this.check();
      before = now;
      this.#poll = this.#mailbox.clock.after(pollMs, look);
    };
    this.#poll = this.#mailbox.clock.after(pollMs, look);
  }

  #walSize(): number {
    return fs.statSync(`${this.#mailbox.path}/index.db-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  #fingerprint(): string {
    const wal = fs.statSync(`${this.#mailbox.path}/index.db-wal`, { throwIfNoEntry: false });
    const database = fs.statSync(`${this.#mailbox.path}/index.db`, { throwIfNoEntry: false });
    return `${wal?.mtimeMs} ${wal?.size} ${database?.mtimeMs}`;
  }
}
