// Keeps one child alive: starts it, starts it again when it ends, waits longer each time when it keeps ending.

import type { Clock, Timer } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { Backoff } from "./backoff.ts";
import { type Child, type ChildEnd, type ChildPlan, describeEnd, startChild } from "./child.ts";

export interface KeeperOptions {
  readonly clock: Clock;
  /** Bound to the name of what is kept. */
  readonly log: Log;
  /** Asked for before each start; when it throws, that counts as a death. */
  readonly plan: () => Promise<ChildPlan>;
  /** Starts per second; 0 for no limit. */
  readonly mostStartsPerSecond: number;
  /** Whether to start it again when it has ended. Otherwise the keeper is idle until `start`. */
  readonly restarts: () => boolean;
  /** It ended and will not start for a while. */
  readonly delayed?: () => void;
  /** It ended and nothing will start it but `start`. */
  readonly idle?: () => void;
}

export type KeeperState = "idle" | "starting" | "running" | "waiting" | "stopped";

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #backoff = new Backoff();
  #child: Child | undefined;
  #timer: Timer | undefined;
  #state: KeeperState = "idle";
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #starts = 0;
  /** The child that runs now has said that it serves. */
  #isReady = false;
  /** The administrator knows that it does not come up; from then on the growing back-off reminds him. */
  #isFailureTold = false;
  #run: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get state(): KeeperState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Starts the child unless it runs or is about to; resolves when it says it is ready (true) or has ended (false). */
  async start(): Promise<boolean> {
    if (this.#state !== "idle") return true;
    this.#state = "starting";
    let child: Child;
    try {
      const plan = await this.#options.plan();
      if (this.#isStopped()) return false;
      child = startChild(plan);
    } catch (fault) {
      this.#options.log.error("cannot start", { reason: describeFault(fault) });
      this.#afterEnd(0);
      return false;
    }
    this.#child = child;
    this.#state = "running";
    this.#isReady = false;
    this.#starts += 1;
    this.#lastStartMs = this.#options.clock.monotonic();
    this.#options.log.debug("started", { pid: child.pid });
    this.#run = child.ended.then((end) => this.#ended(child, end));
    const isReady = await child.ready;
    if (isReady && this.#child === child) {
      this.#isReady = true;
      this.#isFailureTold = false;
    }
    return isReady;
  }

  signal(name: "SIGHUP" | "SIGTERM" | "SIGKILL"): void {
    this.#child?.signal(name);
  }

  /** Ends the child with SIGTERM and starts none again; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#timer?.cancel();
    this.#child?.signal("SIGTERM");
    await this.#run;
  }

  /** Also when `stop` came while the plan was awaited. */
  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  #ended(child: Child, end: ChildEnd): void {
    this.#child = undefined;
    this.#tellEnd(child.pid, end);
    this.#afterEnd(this.#options.clock.monotonic() - this.#lastStartMs, end);
  }

  #tellEnd(pid: number, end: ChildEnd): void {
    const { log } = this.#options;
    const fields = { pid, end: describeEnd(end) };
    // 75 is a child's own wish to be replaced, as in Cyrus; from one that never served it says that it cannot yet.
    const isOwnWish = end.code === 0 || end.code === 75;
    if (this.#state === "stopped" || (isOwnWish && (this.#isReady || this.#isFailureTold))) log.debug("ended", fields);
    else if (isOwnWish) log.warning("ended before it was ready", fields);
    else log.warning("died", fields);
    if (!this.#isReady) this.#isFailureTold = true;
  }

  #afterEnd(livedMs: number, end?: ChildEnd): void {
    if (this.#state === "stopped") return;
    const { clock, log, mostStartsPerSecond } = this.#options;
    const backoffMs = this.#backoff.died(clock.monotonic(), livedMs);
    const spacingMs = mostStartsPerSecond > 0 ? 1000 / mostStartsPerSecond : 0;
    const delayMs = Math.max(backoffMs, spacingMs - livedMs);
    if (backoffMs > 0) {
      log.error("keeps dying", { nextStartInSeconds: backoffMs / 1000, end: end && describeEnd(end) });
    }
    if (delayMs <= 0) {
      this.#again();
      return;
    }
    this.#state = "waiting";
    this.#options.delayed?.();
    this.#timer = clock.after(delayMs, () => this.#again());
  }

  #again(): void {
    this.#state = "idle";
    if (!this.#options.restarts()) this.#options.idle?.();
    else {
      this.start().catch((fault: unknown) => this.#options.log.error("cannot start", { reason: describeFault(fault) }));
    }
  }
}
