// A client that asks NOOP without end: how long it waits for its answers, by phase.

import type { ImapWire } from "../../test/support/imap-wire.ts";

const pauseMs = 10;

export class NoopWatch implements Disposable {
  phase = "before";
  readonly #imap: ImapWire;
  readonly #latencies = new Map<string, number[]>();
  #isOver = false;

  private constructor(imap: ImapWire) {
    this.#imap = imap;
  }

  static async start(imap: ImapWire): Promise<NoopWatch> {
    await imap.ok("SELECT INBOX");
    const watch = new NoopWatch(imap);
    void watch.#ask();
    return watch;
  }

  figures(): Readonly<Record<string, { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }>> {
    const figure = (all: readonly number[], part: number) =>
      Math.round((all[Math.min(all.length - 1, Math.floor(all.length * part))] ?? 0) * 10) / 10;
    const entries = [...this.#latencies].map(([phase, unsorted]) => {
      const all = unsorted.toSorted((a, b) => a - b);
      return [phase, { p50Ms: figure(all, 0.5), p99Ms: figure(all, 0.99), maxMs: figure(all, 1) }] as const;
    });
    return Object.fromEntries(entries);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      const { phase } = this;
      const start = performance.now();
      await this.#imap.ok("NOOP");
      const all = this.#latencies.get(phase) ?? [];
      this.#latencies.set(phase, all);
      all.push(performance.now() - start);
      await Bun.sleep(pauseMs);
    }
    this.#imap[Symbol.dispose]();
  }
}
