// What one session does to another of the same process: how long NOOP takes on one connection while a long command runs again
// and again on another. The load reads as fast as it can.

import { measureRate, type Rate, type RateOptions } from "./rate.ts";
import type { Wire } from "./wire.ts";

export interface Beside extends Rate {
  readonly longestMs: number;
}

export async function measureBeside(open: () => Promise<Wire>, command: string, options: RateOptions): Promise<Beside> {
  const [busy, other] = [await open(), await open()];
  let isOver = false;
  let longestMs = 0;
  const work = async () => {
    while (!isOver) await busy.run(`b ${command}`);
  };
  const working = work();
  const rate = await measureRate({ ...options, workers: 1 }, async () => {
    const startMs = performance.now();
    await other.run("n NOOP");
    longestMs = Math.max(longestMs, performance.now() - startMs);
  });
  isOver = true;
  await working;
  busy.close();
  other.close();
  return { ...rate, longestMs };
}
