// Messages between lines, as SMTP, LMTP and POP3 send them: the end is a line with only a dot, and lines that begin with a
// dot get a second one (RFC 5321 §4.5.2, RFC 1939 §3). Hot path: searches in whole chunks and copies nothing.

import { asBuffer } from "../base/bytes.ts";

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const dot = 0x2e;
const crlfDot = Buffer.from("\r\n.");
const oneDot = Buffer.from(".");
const oneReturn = Buffer.from("\r");

export type TakePiece = (piece: Uint8Array) => void;

/** Where in the text the last octet was. */
type Position =
  | "text"
  | "after CR" //         CR is the last octet
  | "line start" //       CRLF are the last two, or nothing came yet
  | "after dot" //        the dot at the beginning of a line was taken away
  | "after dot CR"; //    and CR after it, which is not passed on yet

/**
 * Takes the dots away. The end is CRLF "." CRLF and nothing else: whoever takes a bare LF for a line end there lets
 * senders smuggle messages in.
 */
export class DotDecoder {
  #position: Position = "line start";
  #isEnded = false;

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Passes the message's octets on as slices of `bytes`; gives how many octets were used: all until the end. */
  decode(bytes: Uint8Array, take: TakePiece): number {
    const buffer = asBuffer(bytes);
    let at = 0;
    while (at < buffer.length && !this.#isEnded) {
      if (this.#position === "text") at = this.#passText(buffer, at, take);
      else at = this.#step(buffer, at, take);
    }
    return at;
  }

  #passText(buffer: Buffer, at: number, take: TakePiece): number {
    const found = buffer.indexOf(crlfDot, at);
    if (found >= 0) {
      take(buffer.subarray(at, found + 2));
      this.#position = "after dot";
      return found + 3;
    }
    const length = buffer.length;
    take(at === 0 ? buffer : buffer.subarray(at));
    if (buffer[length - 1] === carriageReturn) this.#position = "after CR";
    else if (length - at > 1 && buffer[length - 1] === lineFeed && buffer[length - 2] === carriageReturn) {
      this.#position = "line start";
    }
    return length;
  }

  /** One octet at the edges of lines and chunks. */
  #step(buffer: Buffer, at: number, take: TakePiece): number {
    const octet = buffer[at];
    switch (this.#position) {
      case "line start":
        this.#position = octet === dot ? "after dot" : "text";
        return octet === dot ? at + 1 : at;
      case "after CR":
        if (octet === lineFeed) take(buffer.subarray(at, at + 1));
        this.#position = octet === lineFeed ? "line start" : "text";
        return octet === lineFeed ? at + 1 : at;
      case "after dot":
        this.#position = octet === carriageReturn ? "after dot CR" : "text";
        return octet === carriageReturn ? at + 1 : at;
      default:
        if (octet === lineFeed) {
          this.#isEnded = true;
          return at + 1;
        }
        take(oneReturn);
        this.#position = "after CR";
        return at;
    }
  }
}

/** Puts the dots in. */
export class DotEncoder {
  /** The last two octets; a message begins as if after a line end. */
  #last = "\r\n";

  encode(bytes: Uint8Array, take: TakePiece): void {
    if (bytes.length === 0) return;
    const buffer = asBuffer(bytes);
    if (this.#last === "\r\n" && buffer[0] === dot) take(oneDot);
    else if (this.#last.endsWith("\r") && buffer[0] === lineFeed && buffer[1] === dot) {
      take(buffer.subarray(0, 1));
      this.#last = "\r\n";
      this.encode(buffer.subarray(1), take);
      return;
    }
    let at = 0;
    for (let found = buffer.indexOf(crlfDot); found >= 0; found = buffer.indexOf(crlfDot, at)) {
      take(buffer.subarray(at, found + 2));
      take(oneDot);
      at = found + 2;
    }
    take(at === 0 ? buffer : buffer.subarray(at));
    this.#last = (this.#last + buffer.toString("latin1", Math.max(0, buffer.length - 2))).slice(-2);
  }

  /** What ends the message: the line end it lacks, and the dot. */
  end(): string {
    return this.#last === "\r\n" ? ".\r\n" : "\r\n.\r\n";
  }
}
