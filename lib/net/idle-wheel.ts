// One timer for the idle times of all connections: a connection that receives bytes only notes the time, and is looked at
// again when the moment comes at which it would have been idle. A timer each would cost more than the connection does.

import { type Clock, systemClock, type Timer } from "../base/clock.ts";

/** What the wheel watches. `idleMs`, `lastHeardMs` belong to the connection, `dueMs` to the wheel. */
export interface Idler {
  /** 0: never idle. */
  readonly idleMs: number;
  /** The wheel's time (`now()`) of the last byte. */
  readonly lastHeardMs: number;
  /** When the wheel looks next; 0 when it does not watch. */
  dueMs: number;
  wentIdle(): void;
}

/** The shortest distance between two looks; long idle times are rounded up to about one part in 128. */
const finestMs = 50;

export class IdleWheel {
  readonly #clock: Clock;
  readonly #slots = new Map<number, Set<Idler>>();
  #timer: Timer | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /**
   * Watches from now on, or again after `idleMs` changed; 0: it will not be idle. One that is looked at earlier anyway stays
   * where it is: a backend's connection changes between waiting and not waiting with every command.
   */
  watch(idler: Idler): void {
    if (idler.idleMs <= 0) return;
    const step = Math.max(finestMs, idler.idleMs >> 7);
    const dueMs = Math.ceil((idler.lastHeardMs + idler.idleMs) / step) * step;
    if (idler.dueMs !== 0 && idler.dueMs <= dueMs) return;
    this.forget(idler);
    idler.dueMs = dueMs;
    const slot = this.#slots.get(dueMs);
    if (slot) slot.add(idler);
    else this.#slots.set(dueMs, new Set([idler]));
    if (dueMs < this.#armedForMs) this.#arm(dueMs);
  }

  forget(idler: Idler): void {
    if (idler.dueMs === 0) return;
    const slot = this.#slots.get(idler.dueMs);
    slot?.delete(idler);
    if (slot?.size === 0) this.#slots.delete(idler.dueMs);
    idler.dueMs = 0;
  }

  #arm(dueMs: number): void {
    this.#timer?.cancel();
    this.#armedForMs = dueMs;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.now()), this.#turn);
  }

  readonly #turn = (): void => {
    this.#timer = undefined;
    this.#armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = this.now();
    for (const [dueMs, slot] of [...this.#slots]) {
      if (dueMs > nowMs) continue;
      this.#slots.delete(dueMs);
      for (const idler of slot) this.#look(idler, nowMs);
    }
    let nextMs = Number.POSITIVE_INFINITY;
    for (const dueMs of this.#slots.keys()) nextMs = Math.min(nextMs, dueMs);
    if (nextMs < this.#armedForMs) this.#arm(nextMs);
  };

  #look(idler: Idler, nowMs: number): void {
    idler.dueMs = 0;
    if (idler.idleMs <= 0) return;
    if (idler.lastHeardMs + idler.idleMs > nowMs) this.watch(idler);
    else idler.wentIdle();
  }
}

export const systemIdleWheel = new IdleWheel(systemClock);
