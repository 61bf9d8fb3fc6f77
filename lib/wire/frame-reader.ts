// Cuts frames out of a byte stream (see frame.ts): bytes are fed in, frames and events are taken out. No grammar, no I/O.
// Stays in step after garbage: an over-long line is skipped to its end, a refused literal is skipped octet by octet.
// Hot path: `feed` and `next` are synchronous and copy only what outlives the call.

import { latin1 } from "../base/bytes.ts";
import type { Frame, Literal } from "./frame.ts";

export interface FrameLimits {
  /** Octets of all texts of a frame together. */
  readonly maxText: number;
}

/** A literal whose octets are about to come: the owner calls `buffer`, `sink` or `refuse` before `next` goes on. */
export interface LiteralAnnouncement {
  readonly kind: "literal";
  /** What was read of the frame so far: its last text ends where the literal begins. */
  readonly head: Frame;
  readonly size: number;
  readonly isSynchronizing: boolean;
  readonly isBinary: boolean;
}

/** Takes the octets of one literal as they come. */
export interface LiteralSink {
  /** A promise asks to wait before more is offered. The bytes are only valid during the call. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** All octets are in; the result becomes `literal.sunk`. */
  end(): unknown;
  /** The peer is gone before the end. */
  abort(): void;
}

export type FrameEvent =
  | { readonly kind: "frame"; readonly frame: Frame }
  | LiteralAnnouncement
  /** The text was longer than the limit and has been skipped; `text` is its beginning (to find the tag in it). */
  | { readonly kind: "overflow"; readonly text: string };

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

type Pending =
  | { readonly kind: "text" }
  | { readonly kind: "announced"; readonly literal: LiteralAnnouncement }
  | { readonly kind: "buffer"; readonly bytes: Buffer; filled: number; readonly literal: LiteralAnnouncement }
  | { readonly kind: "sink"; readonly sink: LiteralSink; left: number; readonly literal: LiteralAnnouncement }
  | { readonly kind: "skip"; left: number };

export class FrameReader {
  readonly #limits: FrameLimits;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  /** Where the search for the line end goes on. */
  #scanned = 0;
  #texts: string[] = [];
  #literals: Literal[] = [];
  #textOctets = 0;
  #pending: Pending = { kind: "text" };
  /** A refused non-synchronizing literal: the rest of its frame is dropped. */
  #isDropping = false;
  #overflowText: string | undefined;
  #waiting: Promise<void> | undefined;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** Octets fed and not taken yet. */
  get buffered(): number {
    return this.#bytes.length - this.#start;
  }

  /** Set while a sink asks to wait: call `next` again after it. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting;
  }

  /** Adds bytes from the peer; they are copied if they are not consumed by the following `next` calls: see `settle`. */
  feed(bytes: Uint8Array): void {
    const left = this.buffered;
    if (left === 0) {
      this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } else {
      this.#bytes = Buffer.concat([this.#bytes.subarray(this.#start), bytes]);
    }
    this.#scanned = Math.max(0, this.#scanned - this.#start);
    if (left === 0) this.#scanned = 0;
    this.#start = 0;
  }

  /** Copies what is left over so that the memory given to `feed` is free again. Call once after draining `next`. */
  settle(): void {
    const left = this.buffered;
    if (left === 0) {
      this.#bytes = emptyBuffer;
    } else {
      const copy = Buffer.allocUnsafeSlow(left);
      this.#bytes.copy(copy, 0, this.#start);
      this.#bytes = copy;
    }
    this.#scanned = left === 0 ? 0 : Math.max(0, this.#scanned - this.#start);
    this.#start = 0;
  }

  /** Everything that was fed and not taken, and forgets it: for STARTTLS (thrown away) and for handing over to a relay. */
  takeRest(): Uint8Array {
    const rest = Buffer.from(this.#bytes.subarray(this.#start));
    this.#bytes = emptyBuffer;
    this.#start = 0;
    this.#scanned = 0;
    return rest;
  }

  /** The next event, or undefined when more bytes (or the owner's word about a literal, or `waiting`) are needed. */
  next(): FrameEvent | undefined {
    for (;;) {
      const pending = this.#pending;
      switch (pending.kind) {
        case "announced":
          return undefined;
        case "buffer":
          if (!this.#fillBuffer(pending)) return undefined;
          break;
        case "sink":
          if (!this.#pourIntoSink(pending)) return undefined;
          break;
        case "skip":
          if (!this.#skip(pending)) return undefined;
          break;
        case "text": {
          const event = this.#readText();
          if (event === undefined) return undefined;
          if (event !== "again") return event;
          break;
        }
      }
    }
  }

  /** The next line as it is, without its end and without looking for literals: SASL responses, IDLE's DONE. */
  nextLine(): string | undefined {
    const line = this.#cutLine();
    return line === undefined ? undefined : latin1(line);
  }

  /** Takes the announced literal into memory. */
  buffer(): void {
    const literal = this.#announced();
    this.#pending = { kind: "buffer", bytes: Buffer.allocUnsafeSlow(literal.size), filled: 0, literal };
  }

  /** Streams the announced literal into `sink`. */
  sink(sink: LiteralSink): void {
    const literal = this.#announced();
    this.#pending = { kind: "sink", sink, left: literal.size, literal };
  }

  /**
   * Gives the frame up. Of a synchronizing literal nothing will come; of the other kind the octets and the rest of the
   * frame are skipped. The caller answers the command.
   */
  refuse(): void {
    const literal = this.#announced();
    this.#reset();
    if (!literal.isSynchronizing) {
      this.#pending = { kind: "skip", left: literal.size };
      this.#isDropping = true;
    }
  }

  /** The peer is gone: tells a sink that is being filled. */
  abort(): void {
    if (this.#pending.kind === "sink") this.#pending.sink.abort();
    this.#reset();
  }

  #announced(): LiteralAnnouncement {
    if (this.#pending.kind !== "announced") throw new Error("no literal was announced");
    return this.#pending.literal;
  }

  #readText(): FrameEvent | "again" | undefined {
    const line = this.#cutLine();
    if (line === undefined) {
      if (this.#textOctets + this.buffered > this.#limits.maxText) {
        this.#overflowText ??= this.#texts[0] ?? latin1(this.#bytes.subarray(this.#start, this.#start + 256));
        this.#start = this.#bytes.length;
        this.#scanned = this.#start;
      }
      return undefined;
    }
    if (this.#overflowText !== undefined || this.#textOctets + line.length > this.#limits.maxText) {
      const text = this.#overflowText ?? this.#texts[0] ?? latin1(line.subarray(0, 256));
      this.#overflowText = undefined;
      this.#reset();
      return { kind: "overflow", text };
    }
    this.#textOctets += line.length;
    const marker = readLiteralMarker(line);
    if (marker) {
      this.#texts.push(latin1(line.subarray(0, marker.textEnd)));
      const head: Frame = { texts: this.#texts, literals: this.#literals };
      const { size, isSynchronizing, isBinary } = marker;
      const literal: LiteralAnnouncement = { kind: "literal", head, size, isSynchronizing, isBinary };
      if (this.#isDropping) {
        // A synchronizing literal in a frame that was already answered: the sender waits for nothing any more.
        this.#reset();
        if (!isSynchronizing) {
          this.#pending = { kind: "skip", left: size };
          this.#isDropping = true;
        }
        return "again";
      }
      this.#pending = { kind: "announced", literal };
      return literal;
    }
    if (this.#isDropping) {
      this.#reset();
      return "again";
    }
    this.#texts.push(latin1(line));
    const frame: Frame = { texts: this.#texts, literals: this.#literals };
    this.#reset();
    return { kind: "frame", frame };
  }

  /** Cuts the next line off, without CRLF (a bare LF is taken too). */
  #cutLine(): Buffer | undefined {
    const end = this.#bytes.indexOf(lineFeed, Math.max(this.#start, this.#scanned));
    if (end < 0) {
      this.#scanned = this.#bytes.length;
      return undefined;
    }
    const hasReturn = end > this.#start && this.#bytes[end - 1] === carriageReturn;
    const line = this.#bytes.subarray(this.#start, hasReturn ? end - 1 : end);
    this.#start = end + 1;
    this.#scanned = this.#start;
    return line;
  }

  #take(most: number): Buffer {
    const piece = this.#bytes.subarray(this.#start, this.#start + most);
    this.#start += piece.length;
    this.#scanned = this.#start;
    return piece;
  }

  #fillBuffer(pending: Extract<Pending, { kind: "buffer" }>): boolean {
    const piece = this.#take(pending.bytes.length - pending.filled);
    piece.copy(pending.bytes, pending.filled);
    pending.filled += piece.length;
    if (pending.filled < pending.bytes.length) return false;
    this.#addLiteral(pending.literal, pending.bytes, undefined);
    return true;
  }

  #pourIntoSink(pending: Extract<Pending, { kind: "sink" }>): boolean {
    if (this.#waiting) return false;
    if (pending.left > 0) {
      const piece = this.#take(pending.left);
      if (piece.length === 0) return false;
      pending.left -= piece.length;
      const wait = pending.sink.write(piece);
      if (wait) {
        this.#waiting = wait.finally(() => {
          this.#waiting = undefined;
        });
        return false;
      }
      if (pending.left > 0) return false;
    }
    this.#addLiteral(pending.literal, undefined, pending.sink.end());
    return true;
  }

  #skip(pending: Extract<Pending, { kind: "skip" }>): boolean {
    pending.left -= this.#take(pending.left).length;
    if (pending.left > 0) return false;
    this.#pending = { kind: "text" };
    return true;
  }

  #addLiteral(literal: LiteralAnnouncement, bytes: Uint8Array | undefined, sunk: unknown): void {
    const { size, isSynchronizing, isBinary } = literal;
    this.#literals.push({ size, isSynchronizing, isBinary, bytes, sunk });
    this.#pending = { kind: "text" };
  }

  #reset(): void {
    this.#texts = [];
    this.#literals = [];
    this.#textOctets = 0;
    this.#pending = { kind: "text" };
    this.#isDropping = false;
  }
}

const emptyBuffer = Buffer.alloc(0);

/** Reads `{n}`, `{n+}`, `~{n}` at the end of a line; `{n-}` is not a literal. Sizes are at most 15 digits. */
function readLiteralMarker(
  line: Buffer,
):
  | { readonly textEnd: number; readonly size: number; readonly isSynchronizing: boolean; readonly isBinary: boolean }
  | undefined {
  const last = line.length - 1;
  if (last < 2 || line[last] !== 0x7d /* } */) return undefined;
  const open = line.lastIndexOf(0x7b /* { */);
  if (open < 0) return undefined;
  const isSynchronizing = line[last - 1] !== 0x2b; /* + */
  const digits = latin1(line.subarray(open + 1, isSynchronizing ? last : last - 1));
  if (!/^\d{1,15}$/.test(digits)) return undefined;
  const isBinary = open > 0 && line[open - 1] === 0x7e; /* ~ */
  return { textEnd: isBinary ? open - 1 : open, size: Number(digits), isSynchronizing, isBinary };
}
