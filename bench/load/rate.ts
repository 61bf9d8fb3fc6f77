// How often something can be done in a while, by so many at once; the first part of the while does not count.

export interface Rate {
  readonly perSecond: number;
  readonly count: number;
  /** With those that are not counted. */
  readonly total?: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly seconds: number;
}

export interface RateOptions {
  readonly workers: number;
  readonly warmUpMs: number;
  readonly runMs: number;
  /** Ends earlier after so many. */
  readonly most: number;
}

/** `step` does it once; worker numbers are 0 to `workers` - 1. */
export async function measureRate(options: RateOptions, step: (worker: number) => Promise<void>): Promise<Rate> {
  const { workers, warmUpMs, runMs, most } = options;
  const latencies: number[] = [];
  const startMs = performance.now();
  let countedFromMs = startMs + warmUpMs;
  let done = 0;
  const isOver = () => performance.now() > startMs + warmUpMs + runMs || done >= most;
  const work = async (worker: number) => {
    while (!isOver()) {
      const beganMs = performance.now();
      await step(worker);
      done += 1;
      const endedMs = performance.now();
      if (endedMs >= countedFromMs) latencies.push(endedMs - beganMs);
    }
  };
  if (most < Number.POSITIVE_INFINITY) countedFromMs = startMs; // a fixed number is counted whole
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  const seconds = (performance.now() - countedFromMs) / 1000;
  return { ...rateOf(latencies, seconds), total: done };
}

/** `latencies` in milliseconds, in any order. */
export function rateOf(latencies: readonly number[], seconds: number): Rate {
  const ordered = latencies.toSorted((a, b) => a - b);
  const at = (part: number) => ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * part))] ?? 0;
  return { perSecond: ordered.length / seconds, count: ordered.length, p50Ms: at(0.5), p99Ms: at(0.99), seconds };
}
