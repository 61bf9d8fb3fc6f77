// Long loops in slices: one client's work never holds the event loop for more than a few milliseconds.

import type { Clock } from "../base/clock.ts";

const sliceMs = 4;

export class TimeSlice {
  readonly #clock: Clock;
  #startedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonic();
  }

  /** Whether the slice is used up: then `await slice.next()`. */
  get isOver(): boolean {
    return this.#clock.monotonic() - this.#startedMs >= sliceMs;
  }

  /** Lets everybody else have a turn. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#startedMs = this.#clock.monotonic();
  }
}
