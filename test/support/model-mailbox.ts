// A mailbox as others change it, and what a server tells one client of it: the truth that a replayed view is held against.

import { formatSequenceSet } from "../../lib/wire/sequence-set.ts";

export type Step =
  | { readonly kind: "arrive"; readonly count: number }
  /** By others. `which` picks among the messages, as a share of them. */
  | { readonly kind: "expunge"; readonly which: readonly number[] }
  /** The client's next command. */
  | { readonly kind: "tell"; readonly mayExpunge: boolean; readonly highestFirst: boolean }
  /** The client asks for messages; `which` picks among those that it counts. */
  | { readonly kind: "fetch"; readonly which: readonly number[] };

export class ModelMailbox {
  /** UIDs, ascending. */
  messages: number[] = [];
  /** UIDs, ascending, since the client's SELECT. */
  vanished: number[] = [];
  uidNext = 1;
  /** What the client's numbers stand for. */
  view: number[] = [];
  /** The server's lines to the client. */
  readonly told: string[] = [];

  constructor(
    messages: number,
    readonly usesVanished: boolean,
  ) {
    this.take({ kind: "arrive", count: messages });
    // Not all UIDs below UIDNEXT exist.
    this.messages = this.messages.filter((uid) => uid % 4 !== 0);
    this.view = [...this.messages];
    this.told.push(
      `* ${this.view.length} EXISTS`,
      "* OK [UIDVALIDITY 7] Ok",
      `* OK [UIDNEXT ${this.uidNext}] Ok`,
      "* OK [HIGHESTMODSEQ 12] Ok",
    );
  }

  take(step: Step): void {
    switch (step.kind) {
      case "arrive":
        for (let count = step.count; count > 0; count -= 1) this.messages.push(this.uidNext++);
        break;
      case "expunge":
        this.#expunge(step.which);
        break;
      case "fetch":
        this.#fetch(step.which);
        break;
      case "tell":
        if (step.mayExpunge) this.#tellExpunged(step.highestFirst);
        this.#tellArrived();
    }
  }

  #expunge(which: readonly number[]): void {
    for (const share of which) {
      const [uid] = this.messages.splice(Math.floor(share * this.messages.length), 1);
      if (uid !== undefined) this.vanished.push(uid);
    }
    this.vanished.sort((a, b) => a - b);
  }

  #fetch(which: readonly number[]): void {
    for (const share of which) {
      const index = Math.floor(share * this.view.length);
      const uid = this.view[index];
      if (uid !== undefined && this.messages.includes(uid))
        this.told.push(`* ${index + 1} FETCH (UID ${uid} FLAGS ())`);
    }
  }

  #tellExpunged(highestFirst: boolean): void {
    const gone = this.view.filter((uid) => !this.messages.includes(uid));
    if (this.usesVanished && gone.length > 0) this.told.push(`* VANISHED ${formatSequenceSet(gone)}`);
    for (const uid of highestFirst ? gone.toReversed() : gone) {
      const index = this.view.indexOf(uid);
      this.view.splice(index, 1);
      if (!this.usesVanished) this.told.push(`* ${index + 1} EXPUNGE`);
    }
  }

  #tellArrived(): void {
    const newest = this.view.at(-1) ?? 0;
    const fresh = this.messages.filter((uid) => uid > newest && !this.view.includes(uid));
    if (fresh.length === 0) return;
    this.view.push(...fresh);
    this.told.push(`* ${this.view.length} EXISTS`);
  }
}
