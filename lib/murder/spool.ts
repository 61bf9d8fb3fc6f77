// A message that waits for the servers it goes to: in memory while it is small, else in a file that has no name any more,
// so that nothing of it is left when the process dies. It is not a queue: nothing is answered before it was handed on.

import fs from "node:fs";
import { join } from "node:path";
import { describeFault, No } from "../base/fault.ts";

const mostInMemory = 1024 * 1024;
const readBytes = 128 * 1024;

export class Spool {
  readonly #directory: string;
  #chunks: Uint8Array[] = [];
  #inMemory = 0;
  #written = 0;
  #descriptor: number | undefined;
  #writing: Promise<void> | undefined;
  #isDiscarded = false;

  /** `directory` must exist when a message gets large. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  get size(): number {
    return this.#written + this.#inMemory;
  }

  /** Copies. A promise asks to wait; it rejects with No("UNAVAILABLE") when the disk is full. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#chunks.push(Uint8Array.prototype.slice.call(bytes));
    this.#inMemory += bytes.length;
    if (this.#inMemory <= mostInMemory) return undefined;
    this.#writing = this.#flush(this.#writing);
    return this.#writing;
  }

  /** The octets so far, as often as needed. */
  *chunks(): Iterable<Uint8Array> {
    for (let at = 0; at < this.#written; ) {
      const bytes = Buffer.allocUnsafe(Math.min(readBytes, this.#written - at));
      const count = fs.readSync(this.#descriptor!, bytes, 0, bytes.length, at);
      if (count === 0) throw new Error("the spooled message is shorter than it was");
      yield bytes.subarray(0, count);
      at += count;
    }
    yield* this.#chunks;
  }

  /** Resolves when everything written so far can be read. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#chunks = [];
    const close = () => {
      if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
      this.#descriptor = undefined;
    };
    if (this.#writing) this.#writing.then(close, close);
    else close();
  }

  async #flush(before: Promise<void> | undefined): Promise<void> {
    const bytes = Buffer.concat(this.#chunks);
    const at = this.#written;
    this.#chunks = [];
    this.#inMemory = 0;
    this.#written += bytes.length;
    await before;
    try {
      this.#descriptor ??= openNameless(this.#directory);
      for (let done = 0; done < bytes.length; ) {
        done += await write(this.#descriptor, bytes.subarray(done), at + done);
      }
    } catch (fault) {
      throw new No("UNAVAILABLE", `Cannot spool the message: ${describeFault(fault)}`, { cause: fault });
    }
  }
}

function openNameless(directory: string): number {
  const path = join(directory, `message-${crypto.randomUUID()}`);
  const descriptor = fs.openSync(path, "wx+", 0o600);
  fs.unlinkSync(path);
  return descriptor;
}

function write(descriptor: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(descriptor, bytes, 0, bytes.length, at, (fault, count) => (fault ? reject(fault) : resolve(count)));
  });
}
