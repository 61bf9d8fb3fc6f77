// Which servers are worth trying. One that could not be reached is left alone for a while that grows with every failure,
// so that its users get their answer at once and it is not stormed when it comes back.

import type { Clock } from "../base/clock.ts";

const firstPauseMs = 100;
const longestPauseMs = 2_000;

interface Failure {
  readonly pauseMs: number;
  readonly untilMs: number;
}

export class Health {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to try the server now. During a pause nobody does; after it the next one is the probe. */
  isWorthTrying(server: string): boolean {
    const failure = this.#failures.get(server);
    return failure === undefined || this.#clock.monotonic() >= failure.untilMs;
  }

  succeeded(server: string): void {
    this.#failures.delete(server);
  }

  failed(server: string): void {
    const before = this.#failures.get(server);
    const pauseMs = before ? Math.min(before.pauseMs * 2, longestPauseMs) : firstPauseMs;
    this.#failures.set(server, { pauseMs, untilMs: this.#clock.monotonic() + pauseMs });
  }

  /** Servers that failed last, for the status page. */
  get failing(): readonly string[] {
    return [...this.#failures.keys()];
  }
}
