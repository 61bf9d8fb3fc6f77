// The order in which sessions go back to a server that they have lost: one at a time as long as it cannot be reached, some
// at once when it can, so that ten thousand that come back are no storm and none of them has to watch a clock.

import type { Clock } from "../base/clock.ts";

/** So many log in and open their mailbox at the same time, in one process. */
export const maxReturningAtOnce = 32;

export interface Reachability {
  /** How long to leave the server alone; undefined when it is well. */
  pauseOf(server: string): number | undefined;
}

interface Waiting {
  start(): void;
}

interface Queue {
  readonly waiting: Set<Waiting>;
  returning: number;
  isTimed: boolean;
}

export class ReturnQueue {
  readonly #clock: Clock;
  readonly #reachability: Reachability;
  readonly #queues = new Map<string, Queue>();

  constructor(clock: Clock, reachability: Reachability) {
    this.#clock = clock;
    this.#reachability = reachability;
  }

  /** Resolves when it is the caller's turn, with how to end it. Rejects with the signal's reason. */
  take(server: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const queue = this.#queueOf(server);
      const onAbort = () => {
        queue.waiting.delete(waiting);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        start: () => {
          signal.removeEventListener("abort", onAbort);
          queue.returning += 1;
          resolve(() => {
            queue.returning -= 1;
            this.#next(server, queue);
          });
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      queue.waiting.add(waiting);
      this.#next(server, queue);
    });
  }

  #queueOf(server: string): Queue {
    let queue = this.#queues.get(server);
    if (!queue) {
      queue = { waiting: new Set(), returning: 0, isTimed: false };
      this.#queues.set(server, queue);
    }
    return queue;
  }

  #next(server: string, queue: Queue): void {
    for (const waiting of queue.waiting) {
      const pauseMs = this.#reachability.pauseOf(server);
      if (queue.returning >= (pauseMs === undefined ? maxReturningAtOnce : 1)) return;
      if (pauseMs !== undefined && pauseMs > 0) {
        this.#later(server, queue, pauseMs);
        return;
      }
      queue.waiting.delete(waiting);
      waiting.start();
    }
    if (queue.waiting.size === 0 && queue.returning === 0) this.#queues.delete(server);
  }

  #later(server: string, queue: Queue, pauseMs: number): void {
    if (queue.isTimed) return;
    queue.isTimed = true;
    this.#clock.after(pauseMs, () => {
      queue.isTimed = false;
      this.#next(server, queue);
    });
  }
}
