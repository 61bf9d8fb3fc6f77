// The messages that are \Recent for one session (RFC 3501 §2.3.2): few stretches of UIDs, however many messages.

import type { Uid } from "../mailbox/store.ts";
import { insertedAt } from "./view.ts";

export class RecentRanges {
  /** Ascending, apart from one another. */
  readonly #ranges: { readonly first: number; last: number }[] = [];

  /** Everything from `first` to `last`, both included, is recent; ranges come in ascending order. */
  add(first: number, last: number): void {
    const previous = this.#ranges.at(-1);
    if (previous && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else if (first <= last) this.#ranges.push({ first, last });
  }

  has(uid: Uid): boolean {
    return this.#ranges.some(({ first, last }) => first <= uid && uid <= last);
  }

  countIn(view: Uint32Array): number {
    return this.#ranges.reduce(
      (count, { first, last }) => count + insertedAt(view, last + 1) - insertedAt(view, first),
      0,
    );
  }
}
