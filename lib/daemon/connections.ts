// The connections of one process: counts them, refuses those beyond the limit, and waits for their end when draining.

import { readFileSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { RareEvent } from "../base/rare-event.ts";
import type { Connection } from "../net/connection.ts";

export type Refusal = "full" | "ending";

export interface ConnectionsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly most: number;
  /** Takes a connection; calls `ended` once, when its session is over. */
  readonly accept: (connection: Connection, ended: () => void) => void;
  /** Says why and closes. */
  readonly refuse: (connection: Connection, why: Refusal) => void;
}

/** Descriptors kept for files, databases and listeners. */
const reservedDescriptors = 256;

/**
 * The limit of the process: maxchild's share, and never more than it has descriptors for. Without free descriptors Bun
 * would try to accept again and again, with all its time.
 */
export function mostConnections(configured: number | undefined, descriptorsPerConnection: number): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
  const available = Math.max(16, Number(limit?.[1] ?? 1024) - reservedDescriptors);
  return Math.min(configured ?? Number.POSITIVE_INFINITY, Math.floor(available / descriptorsPerConnection));
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Set<Connection>();
  readonly #openGauge;
  readonly #acceptedCounter;
  readonly #refusedCounter;
  readonly #refusal: RareEvent;
  #isDraining = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#refusal = new RareEvent(options.clock);
    const { metrics } = options;
    this.#openGauge = metrics.gauge("iatlas_connections_open", "Connections that are open now");
    this.#acceptedCounter = metrics.counter("iatlas_connections_total", "Connections accepted");
    this.#refusedCounter = metrics.counter("iatlas_connections_refused_total", "Connections refused", ["why"]);
  }

  get count(): number {
    return this.#open.size;
  }

  take(connection: Connection): void {
    const { most, accept, log } = this.#options;
    const isFull = this.#open.size >= most;
    if (this.#isDraining || isFull) {
      const client = connection.remote.host;
      if (isFull) this.#refusal.happened((times) => log.warning("too many connections", { most, client, times }));
      this.#refuse(connection, this.#isDraining ? "ending" : "full");
      return;
    }
    this.#open.add(connection);
    this.#acceptedCounter.inc();
    this.#openGauge.set(this.#open.size);
    accept(connection, () => this.#ended(connection));
  }

  /** Takes no more; resolves when all sessions are over, those that are not after `timeoutMs` being cut off. */
  drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(timeoutMs, () => {
        this.#options.log.warning("drain timeout passed", { connections: this.#open.size });
        for (const connection of this.#open) connection.destroy();
        resolve();
      });
      this.#whenEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #refuse(connection: Connection, why: Refusal): void {
    this.#refusedCounter.inc({ why });
    this.#options.refuse(connection, why);
  }

  #ended(connection: Connection): void {
    if (!this.#open.delete(connection)) return;
    this.#openGauge.set(this.#open.size);
    if (this.#open.size === 0) this.#whenEmpty?.();
  }
}
