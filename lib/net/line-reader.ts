// Cuts lines out of a byte stream, for the protocols whose commands are single lines (LMTP, POP3). Lines end with CRLF or,
// from careless clients, with LF. What follows the lines (a message) is taken as it is.

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const empty = Buffer.alloc(0);

/** Stands for a line that was longer than the limit and has been skipped. */
export const overlongLine = Symbol("overlong line");

export class LineReader {
  readonly #maxLine: number;
  #bytes = empty;
  #scanned = 0;
  #isSkipping = false;

  /** `maxLine` counts the octets of a line with its end. */
  constructor(maxLine: number) {
    this.#maxLine = maxLine;
  }

  /** Octets received and not taken yet. */
  get buffered(): number {
    return this.#bytes.length;
  }

  /** Adds bytes; they are copied. */
  feed(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  /** The next line without its end, as latin1; undefined until there is one. */
  next(): string | typeof overlongLine | undefined {
    const end = this.#bytes.indexOf(lineFeed, this.#scanned);
    if (end < 0) return this.#wait();
    const text = this.#bytes.toString("latin1", 0, this.#bytes[end - 1] === carriageReturn ? end - 1 : end);
    this.#bytes = this.#bytes.subarray(end + 1);
    this.#scanned = 0;
    const isOverlong = this.#isSkipping || end >= this.#maxLine;
    this.#isSkipping = false;
    return isOverlong ? overlongLine : text;
  }

  /** Everything that is not taken yet. */
  takeRest(): Uint8Array {
    const rest = this.#bytes;
    this.#bytes = empty;
    this.#scanned = 0;
    this.#isSkipping = false;
    return rest;
  }

  /** Of a line that grows too long only the fact is kept. */
  #wait(): undefined {
    if (this.#bytes.length > this.#maxLine) {
      this.#isSkipping = true;
      this.#bytes = empty;
    }
    this.#scanned = this.#bytes.length;
    return undefined;
  }
}
