// The order in which sessions go back to a server that they have lost: one at a time as long as it cannot be reached, some
// at once when it can, so that ten thousand that come back are no storm, others are not slowed, and none of them has to
// watch a clock.

import type { Clock, Timer } from "../base/clock.ts";

/** So many log in and open their mailbox at the same time, in one process, where the way to the server is short. */
export const usualReturningAtOnce = 16;
/** Where it is long: what takes the time is not work. */
const mostReturningAtOnce = 128;
/** What returns are held back for: if each took as long as the fastest did, so many would come back in a millisecond. */
const returnsPerMs = 1;

export interface Reachability {
  /** How long to leave the server alone; undefined when it is well. */
  pauseOf(server: string): number | undefined;
}

interface Waiting {
  start(done: () => void): void;
}

interface Queue {
  readonly waiting: Set<Waiting>;
  returning: number;
  isTimed: boolean;
  /** How long the fastest return took: the way there and back, hardly any work. */
  leastMs: number;
}

export class ReturnQueue {
  readonly #clock: Clock;
  readonly #reachability: Reachability;
  readonly #queues = new Map<string, Queue>();

  constructor(clock: Clock, reachability: Reachability) {
    this.#clock = clock;
    this.#reachability = reachability;
  }

  /** Calls `start` when it is the caller's turn, perhaps at once, with how to end it. */
  take(server: string, start: (done: () => void) => void): Timer {
    const queue = this.#queueOf(server);
    const waiting: Waiting = { start };
    queue.waiting.add(waiting);
    this.#next(server, queue);
    return { cancel: () => void queue.waiting.delete(waiting) };
  }

  #queueOf(server: string): Queue {
    let queue = this.#queues.get(server);
    if (!queue) {
      queue = { waiting: new Set(), returning: 0, isTimed: false, leastMs: Number.POSITIVE_INFINITY };
      this.#queues.set(server, queue);
    }
    return queue;
  }

  #next(server: string, queue: Queue): void {
    for (const waiting of queue.waiting) {
      const pauseMs = this.#reachability.pauseOf(server);
      if (queue.returning >= (pauseMs === undefined ? widthOf(queue) : 1)) return;
      if (pauseMs !== undefined && pauseMs > 0) {
        this.#later(server, queue, pauseMs);
        return;
      }
      queue.waiting.delete(waiting);
      this.#start(server, queue, waiting);
    }
    if (queue.waiting.size === 0 && queue.returning === 0 && this.#queues.get(server) === queue) {
      this.#queues.delete(server);
    }
  }

  #start(server: string, queue: Queue, waiting: Waiting): void {
    queue.returning += 1;
    const startMs = this.#clock.monotonic();
    waiting.start(() => {
      queue.returning -= 1;
      const isWell = this.#reachability.pauseOf(server) === undefined;
      if (isWell) queue.leastMs = Math.min(queue.leastMs, this.#clock.monotonic() - startMs);
      this.#next(server, queue);
    });
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

function widthOf({ leastMs }: Queue): number {
  if (leastMs === Number.POSITIVE_INFINITY) return usualReturningAtOnce;
  return Math.min(mostReturningAtOnce, Math.max(usualReturningAtOnce, Math.ceil(leastMs * returnsPerMs)));
}
