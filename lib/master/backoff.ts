// How long to wait before something that died is started again: not at all at first, then longer and longer. Cyrus gives
// a service up for good after five deaths in ten seconds; ours is tried again for ever, at most once a minute.

const windowMs = 10_000;
const deathsInWindow = 5;
const firstDelayMs = 1_000;
const longestDelayMs = 60_000;
/** Who lived this long is healthy. */
const healthyMs = 30_000;

export class Backoff {
  #deaths: number[] = [];
  #delayMs = 0;

  /** Tells of a death at `nowMs` after `livedMs`; returns how long to wait. */
  died(nowMs: number, livedMs: number): number {
    if (livedMs >= healthyMs) this.reset();
    this.#deaths = [...this.#deaths.filter((at) => nowMs - at < windowMs), nowMs];
    if (this.#delayMs === 0 && this.#deaths.length < deathsInWindow) return 0;
    this.#delayMs = this.#delayMs === 0 ? firstDelayMs : Math.min(this.#delayMs * 2, longestDelayMs);
    return this.#delayMs;
  }

  reset(): void {
    this.#deaths = [];
    this.#delayMs = 0;
  }
}
