// What a server said while nothing was asked of it: kept for the next command, or for somebody who listens for it.

import { concatBytes } from "../base/bytes.ts";
import type { ReplySink } from "../mailbox/place.ts";

/** More is a broken server, unless somebody listens: then the server waits. */
const most = 65_536;

export class Unasked {
  /** Hears that there is something. */
  listener: (() => void) | undefined;
  #pieces: Uint8Array[] = [];
  #octets = 0;
  /** Lines among it that count messages, and that nobody has heard yet. */
  #counts: Uint8Array[] = [];

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Octets that are only valid now. Returns whether more may come. */
  keep(bytes: Uint8Array): boolean {
    this.#octets += bytes.length;
    this.#pieces.push(Uint8Array.from(bytes));
    return this.#octets <= most;
  }

  keepCount(line: Uint8Array): void {
    this.#counts.push(Uint8Array.from(line));
  }

  /** Returns false when the sink asks for a pause. */
  deliver(sink: ReplySink, counts: { hear(line: Uint8Array): void } | undefined): boolean {
    for (const line of this.#counts.splice(0)) counts?.hear(line);
    let mayGoOn = true;
    for (const bytes of this.#take()) mayGoOn = sink.data(bytes);
    return mayGoOn;
  }

  takeAll(): Uint8Array {
    return concatBytes(this.#take());
  }

  #take(): Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#octets = 0;
    return pieces;
  }
}
