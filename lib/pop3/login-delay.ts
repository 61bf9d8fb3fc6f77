// The least time between two logins of a user (`popminpoll`, RFC 2449 §6.5), with `poppollpadding` logins that may come
// sooner. Each process counts for itself: the limit is for clients that poll too often, not for accounts.

import type { Clock } from "../base/clock.ts";

const mostUsers = 100_000;

export class LoginDelay {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #padding: number;
  /** When the user's logins so far are paid for. */
  readonly #paidUntilMs = new Map<string, number>();

  /** A delay of 0 lets everybody log in at any time. */
  constructor(clock: Clock, delaySeconds: number, padding: number) {
    this.#clock = clock;
    this.#delayMs = delaySeconds * 1000;
    this.#padding = Math.max(1, padding);
  }

  get seconds(): number {
    return Math.ceil(this.#delayMs / 1000);
  }

  /** Whether the user may log in now; if so it counts. */
  admit(user: string): boolean {
    if (this.#delayMs === 0) return true;
    const nowMs = this.#clock.monotonic();
    const paidUntilMs = Math.max(this.#paidUntilMs.get(user) ?? 0, nowMs) + this.#delayMs;
    if (paidUntilMs - nowMs > this.#delayMs * this.#padding) return false;
    if (this.#paidUntilMs.size >= mostUsers) this.#forgetOld(nowMs);
    this.#paidUntilMs.set(user, paidUntilMs);
    return true;
  }

  #forgetOld(nowMs: number): void {
    for (const [user, untilMs] of this.#paidUntilMs) if (untilMs <= nowMs) this.#paidUntilMs.delete(user);
  }
}
