// Which master a replica follows: the servers of mupdate_server in their order, then again after a pause that grows with
// every round that failed, up to mupdate_retry_delay, and is never the same for two replicas. Who follows another than the
// first server asks for the ones before it from time to time, and goes back when one answers; seldom, when it turns out
// again and again not to last.

import { type Clock, sleep } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { MupdateClient } from "../mupdate/client.ts";

export interface ServerChoiceOptions {
  /** The preferred one first. */
  readonly servers: readonly string[];
  readonly connect: (server: string, lost: (reason: string) => void) => Promise<MupdateClient>;
  readonly retryDelayMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** An open connection to one of the servers. */
export interface ChosenMaster {
  readonly server: string;
  readonly client: MupdateClient;
  /** Resolves, with the reason, when the connection is over. */
  readonly over: Promise<string>;
}

const firstRetryMs = 100;
/** A better server is looked for after so many retry delays, later up to 2^6 times as seldom. */
const retryDelaysBeforeReturn = 3;
const mostDoublings = 6;

export class ServerChoice {
  readonly #options: ServerChoiceOptions;
  /** Why each server that does not answer is said not to. */
  readonly #told = new Map<string, string>();
  readonly #stopped: Promise<undefined>;
  /** The server that is tried next. */
  #at = 0;
  /** Rounds in a row that led to nothing. */
  #failures = 0;
  /** Returns to a better server that may have been in vain. */
  #returns = 0;
  #better: ChosenMaster | undefined;

  constructor(options: ServerChoiceOptions) {
    this.#options = options;
    const { signal } = options;
    this.#stopped = new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
  }

  /** The next connection; undefined when stopped. */
  async next(): Promise<ChosenMaster | undefined> {
    const { servers, clock, signal } = this.#options;
    const better = this.#better;
    this.#better = undefined;
    if (better && !signal.aborted) return better;
    better?.client.logout();
    while (!signal.aborted) {
      const server = servers[this.#at++];
      if (server !== undefined) {
        const master = await Promise.race([this.#connect(server, signal), this.#stopped]);
        if (master) return master;
      } else {
        this.#at = 0;
        this.#failures += 1;
        await sleep(clock, this.#retryDelay(), signal).catch(() => {});
      }
    }
    return undefined;
  }

  /**
   * Call when `master` is followed. Resolves when that should end: with the reason when the connection is over, with
   * undefined when a better server answers.
   */
  async leave(master: ChosenMaster): Promise<string | undefined> {
    const { servers, clock, signal } = this.#options;
    this.#failures = 0;
    const index = servers.indexOf(master.server);
    if (index <= 0) {
      const startedMs = clock.monotonic();
      const reason = await master.over;
      if (clock.monotonic() - startedMs > this.#options.retryDelayMs) this.#returns = 0;
      return reason;
    }
    const over = new AbortController();
    const reason = await Promise.race([master.over, this.#findBetter(index, AbortSignal.any([over.signal, signal]))]);
    over.abort();
    return reason;
  }

  async #findBetter(index: number, signal: AbortSignal): Promise<undefined> {
    const { servers, clock, log } = this.#options;
    for (;;) {
      // When the search is over nobody listens any more: it just ends.
      await sleep(clock, this.#returnDelay(), signal).catch(() => new Promise<never>(() => {}));
      for (const [at, server] of servers.slice(0, index).entries()) {
        const master = await this.#connect(server, signal);
        if (!master) continue;
        log.notice("a preferred mupdate master answers again", { server });
        this.#returns += 1;
        this.#at = at + 1;
        this.#better = master;
        return undefined;
      }
    }
  }

  /** Undefined when the server cannot be reached, or `signal` came first. */
  async #connect(server: string, signal: AbortSignal): Promise<ChosenMaster | undefined> {
    const { connect } = this.#options;
    const over = Promise.withResolvers<string>();
    try {
      const client = await connect(server, (reason) => over.resolve(reason));
      this.#told.delete(server);
      if (!signal.aborted) return { server, client, over: over.promise };
      client.logout();
    } catch (fault) {
      if (!signal.aborted) this.#tellUnavailable(server, describeFault(fault));
    }
    return undefined;
  }

  /** Once, however often it is tried: until it answers, or fails otherwise. */
  #tellUnavailable(server: string, reason: string): void {
    if (this.#told.get(server) === reason) return;
    this.#told.set(server, reason);
    this.#options.log.warning("mupdate master unavailable", { server, reason });
  }

  #retryDelay(): number {
    const base = Math.min(this.#options.retryDelayMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 20));
    return this.#spread(base);
  }

  #returnDelay(): number {
    const doubled = 2 ** Math.min(this.#returns, mostDoublings);
    return this.#spread(this.#options.retryDelayMs * retryDelaysBeforeReturn * doubled);
  }

  #spread(delayMs: number): number {
    return delayMs * (1 + this.#options.random() * 0.5);
  }
}
