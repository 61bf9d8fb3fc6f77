// The DEFLATE layer of a connection (RFC 4978): what was written waits here until it is its turn to be compressed, so that
// the short lines of one turn share a block, and what came is inflated in bounded steps. It lies above TLS.

import { Deflater, Inflater, stepBytes } from "./raw-deflate.ts";
import { WriteQueue } from "./write-queue.ts";

/** Steps of one direction in one turn of the event loop: compressing 256 KiB takes 1.5 ms. */
export const stepsPerTurn = 4;

export class Compression {
  readonly #deflater = new Deflater();
  readonly #inflater = new Inflater();
  /** Written and not yet compressed. */
  readonly #plain = new WriteQueue();

  get waiting(): number {
    return this.#plain.size;
  }

  append(bytes: Uint8Array | string): void {
    this.#plain.append(bytes);
  }

  /** Compresses one step's worth of what waits; false when nothing did. */
  deflateInto(wire: WriteQueue): boolean {
    if (this.#plain.size === 0) return false;
    let isTaken = false;
    this.#plain.flush((bytes) => {
      if (isTaken) return 0;
      isTaken = true;
      const step = bytes.subarray(0, stepBytes);
      this.#deflater.deflate(step, (compressed) => wire.append(compressed));
      return step.length;
    });
    return true;
  }

  /** See Inflater.inflate(). */
  inflate(bytes: Uint8Array): { readonly plain: Uint8Array; readonly rest: Uint8Array | undefined } {
    return this.#inflater.inflate(bytes);
  }

  dropOutput(): void {
    this.#plain.clear();
  }

  close(): void {
    this.#deflater.close();
    this.#inflater.close();
  }
}
