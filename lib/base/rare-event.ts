// One line of the log for many events that are alike: whoever opens a thousand connections shall not fill the disk, too.

import type { Clock } from "./clock.ts";

const pauseMs = 60_000;

/** Tells the first of many like events at once, and then at most one a minute. */
export class RareEvent {
  readonly #clock: Clock;
  #nextMs = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `tell` when it is time, with the number of events since the last time, this one among them. */
  happened(tell: (times: number) => void): void {
    this.#untold += 1;
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + pauseMs;
    const times = this.#untold;
    this.#untold = 0;
    tell(times);
  }
}
