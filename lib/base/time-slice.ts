// Long loops in slices: one client's work never holds the event loop for more than a few milliseconds.

import type { Clock } from "./clock.ts";

/** A fifth of what anybody may be held: a slice ends a little late, and more than one client may have long work. */
const sliceMs = 1;

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

/** Makes something of each item, with turns for everybody else. What it looks at may change between two of them. */
export async function mapInSlices<T, R>(clock: Clock, items: Iterable<T>, make: (item: T) => R): Promise<R[]> {
  const slice = new TimeSlice(clock);
  const made: R[] = [];
  for (const item of items) {
    made.push(make(item));
    if (slice.isOver) await slice.next();
  }
  return made;
}
