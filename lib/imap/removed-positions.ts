// Which of a row of messages EXPUNGE has taken away, when each EXPUNGE counts in what is left (RFC 9051 §7.5.1): kept as
// stretches, which are few however many messages go, because clients expunge what lies together.

import type { NumberRange } from "../wire/sequence-set.ts";

/** More stretches are not worth their memory, nor the time to count through them. */
const maxStretches = 1024;

export class RemovedPositions {
  /** Ascending, apart from one another; positions count from 1. */
  readonly #stretches: { first: number; last: number }[] = [];
  #size = 0;

  /** How many are gone. */
  get size(): number {
    return this.#size;
  }

  get stretches(): readonly NumberRange[] {
    return this.#stretches;
  }

  /** How many up to a position, it included. */
  countUpTo(position: number): number {
    return this.#stretches.reduce((sum, { first, last }) => sum + Math.max(0, Math.min(last, position) - first + 1), 0);
  }

  /** Takes away the `number`-th of those that are left. Returns false when it cannot be kept. */
  remove(number: number): boolean {
    const stretches = this.#stretches;
    let position = number;
    let at = 0;
    for (; at < stretches.length && stretches[at]!.first <= position; at += 1) {
      position += stretches[at]!.last - stretches[at]!.first + 1;
    }
    this.#size += 1;
    const before = stretches[at - 1];
    const after = stretches[at];
    const joinsBefore = before?.last === position - 1;
    const joinsAfter = after?.first === position + 1;
    if (joinsBefore && joinsAfter) {
      before!.last = after!.last;
      stretches.splice(at, 1);
    } else if (joinsBefore) before!.last = position;
    else if (joinsAfter) after!.first = position;
    else stretches.splice(at, 0, { first: position, last: position });
    return stretches.length <= maxStretches;
  }
}
