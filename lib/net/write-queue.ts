// Bytes that were written and that the kernel has not taken. Small pieces are put together, so that a reply of many short
// lines leaves in one segment; nothing is allocated while it is empty.

/** Pieces are put together up to this size; larger ones go out as they are. */
const gatherBytes = 64 * 1024;

/** Shared by all connections: what is gathered here is handed to the kernel in the same turn. */
const scratch = Buffer.allocUnsafe(gatherBytes);

export class WriteQueue {
  #chunks: Uint8Array[] | undefined;
  /** Latin1 text written after the last chunk. */
  #text = "";
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(piece: Uint8Array | string): void {
    this.#size += piece.length;
    if (typeof piece === "string") {
      this.#text += piece;
      return;
    }
    if (piece.length === 0) return;
    this.#sealText();
    if (this.#chunks) this.#chunks.push(piece);
    else this.#chunks = [piece];
  }

  /**
   * Hands everything to `put`, which answers how many bytes it took (negative: the socket is gone). Stops at the first
   * short answer; true when nothing is left.
   */
  flush(put: (bytes: Uint8Array) => number): boolean {
    while (this.#size > 0) {
      const bytes = this.#takeHead();
      const taken = Math.max(0, put(bytes));
      this.#size -= taken;
      if (taken < bytes.length) {
        this.#putBack(bytes.subarray(taken));
        return false;
      }
    }
    return true;
  }

  clear(): void {
    this.#chunks = undefined;
    this.#text = "";
    this.#size = 0;
  }

  #takeHead(): Uint8Array {
    if (!this.#chunks) return this.#takeText();
    let count = 0;
    let length = 0;
    for (const chunk of this.#chunks) {
      if (length + chunk.length > gatherBytes) break;
      length += chunk.length;
      count += 1;
    }
    const isAll = count === this.#chunks.length;
    const isWithText = isAll && length + this.#text.length <= gatherBytes;
    if (count <= 1 && !(isWithText && this.#text !== "")) return this.#takeChunk();
    let at = 0;
    for (let i = 0; i < count; i += 1) {
      const chunk = this.#chunks[i]!;
      scratch.set(chunk, at);
      at += chunk.length;
    }
    if (isAll) this.#chunks = undefined;
    else this.#chunks.splice(0, count);
    if (isWithText && this.#text !== "") {
      at += scratch.write(this.#text, at, "latin1");
      this.#text = "";
    }
    return scratch.subarray(0, at);
  }

  #takeChunk(): Uint8Array {
    const chunk = this.#chunks!.shift()!;
    if (this.#chunks!.length === 0) this.#chunks = undefined;
    return chunk;
  }

  #takeText(): Uint8Array {
    const text = this.#text;
    this.#text = "";
    if (text.length > gatherBytes) return Buffer.from(text, "latin1");
    return scratch.subarray(0, scratch.write(text, 0, "latin1"));
  }

  #sealText(): void {
    if (this.#text === "") return;
    const bytes = Buffer.from(this.#text, "latin1");
    this.#text = "";
    if (this.#chunks) this.#chunks.push(bytes);
    else this.#chunks = [bytes];
  }

  #putBack(rest: Uint8Array): void {
    const kept = rest.buffer === scratch.buffer ? Uint8Array.prototype.slice.call(rest) : rest;
    if (this.#chunks) this.#chunks.unshift(kept);
    else this.#chunks = [kept];
  }
}
