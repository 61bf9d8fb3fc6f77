// How many connections a server has, looked at from outside by its descriptors: how fast sessions come back to it.

import { readdirSync } from "node:fs";

const pauseMs = 100;

export class ReturnWatch {
  readonly #pid: number;
  readonly #wanted: number;
  readonly #samples: { readonly atMs: number; readonly sockets: number }[] = [];

  constructor(pid: number, wanted: number) {
    this.#pid = pid;
    this.#wanted = wanted;
    this.#look();
  }

  /** Whether all are back by then (of performance.now()). */
  async untilAll(deadline: number): Promise<boolean> {
    for (;;) {
      if (this.#look() >= this.#wanted) return true;
      if (performance.now() > deadline) return false;
      await Bun.sleep(pauseMs);
    }
  }

  /** Sessions that came back in a second. */
  rates(): { readonly returnsPerSecond: number; readonly mostPerSecond: number } {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    let most = 0;
    let from = 0;
    for (const sample of this.#samples) {
      while (sample.atMs - this.#samples[from]!.atMs > 1_000) from += 1;
      most = Math.max(most, sample.sockets - this.#samples[from]!.sockets);
    }
    const seconds = Math.max(0.001, (last.atMs - first.atMs) / 1000);
    return { returnsPerSecond: Math.round((last.sockets - first.sockets) / seconds), mostPerSecond: most };
  }

  #look(): number {
    const sockets = readdirSync(`/proc/${this.#pid}/fd`).length;
    this.#samples.push({ atMs: performance.now(), sockets });
    return sockets;
  }
}
