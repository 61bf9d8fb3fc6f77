// Which servers are worth trying. One that could not be reached is left alone for a while that grows with every failure,
// so that its users get their answer at once and it is not stormed when it comes back: one tries it, and the others wait
// for what he finds.

import type { Clock, Timer } from "../base/clock.ts";
import { ReturnQueue } from "./return-queue.ts";

const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** How long the one who tries has for it: longer than any way to a server may take, in case he never tells. */
const probeMs = 60_000;

interface Failure {
  readonly pauseMs: number;
  readonly untilMs: number;
}

export interface HealthOptions {
  /** Hears when a server fails or is well again. */
  changed?(server: string, isWell: boolean): void;
  /** From 0 up to 1. */
  random?(): number;
}

export class Health {
  readonly #clock: Clock;
  readonly #options: HealthOptions;
  readonly #failures = new Map<string, Failure>();
  readonly #returns: ReturnQueue;

  constructor(clock: Clock, options: HealthOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#returns = new ReturnQueue(clock, this);
  }

  /** Whether to try the server now. During a pause nobody does; after it one does, who says how it went. */
  isWorthTrying(server: string): boolean {
    const failure = this.#failures.get(server);
    if (!failure) return true;
    const nowMs = this.#clock.monotonic();
    if (nowMs < failure.untilMs) return false;
    this.#failures.set(server, { ...failure, untilMs: nowMs + probeMs });
    return true;
  }

  /** How long nobody should try the server; undefined when it is well. */
  pauseOf(server: string): number | undefined {
    const failure = this.#failures.get(server);
    return failure && Math.max(0, failure.untilMs - this.#clock.monotonic());
  }

  /** For who has lost a session with the server and wants to return to it, without haste: `start` when he may try. */
  turn(server: string, start: (done: () => void) => void): Timer {
    return this.#returns.take(server, start);
  }

  succeeded(server: string): void {
    if (this.#failures.delete(server)) this.#options.changed?.(server, true);
  }

  failed(server: string): void {
    const before = this.#failures.get(server);
    const pauseMs = before ? Math.min(before.pauseMs * 2, longestPauseMs) : firstPauseMs;
    // Not all frontends at the same moment.
    const jitter = 1 - (this.#options.random ?? Math.random)() / 2;
    this.#failures.set(server, { pauseMs, untilMs: this.#clock.monotonic() + pauseMs * jitter });
    if (!before) this.#options.changed?.(server, false);
  }
}
