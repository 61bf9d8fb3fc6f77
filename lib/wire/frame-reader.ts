// Cuts frames out of a byte stream (see frame.ts): bytes are fed in, frames and events are taken out. No grammar, no I/O.
// Stays in step after garbage: an over-long line is skipped to its end, a refused literal is skipped octet by octet.
// Hot path: `feed` and `next` are synchronous and copy only what outlives the call.

import { asBuffer } from "../base/bytes.ts";
import type { Frame, Literal } from "./frame.ts";

export interface FrameLimits {
  /** Octets of all texts of a frame together, beyond those of its streamed literals: a command may bring many messages. */
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

const textPending: Pending = { kind: "text" };
const noLiterals: readonly Literal[] = [];

export class FrameReader {
  readonly #limits: FrameLimits;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  /** Where the search for the line end goes on. */
  #scanned = 0;
  #texts: string[] = [];
  #literals: Literal[] = [];
  #textOctets = 0;
  #pending: Pending = textPending;
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
      this.#bytes = asBuffer(bytes);
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
    const start = this.#start;
    const stop = this.#cutLine();
    return stop < 0 ? undefined : this.#bytes.latin1Slice(start, stop);
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
    const start = this.#start;
    const stop = this.#cutLine();
    if (stop < 0) {
      this.#noteOverflow();
      return undefined;
    }
    const bytes = this.#bytes;
    this.#textOctets += stop - start;
    if (this.#overflowText !== undefined || this.#textOctets > this.#limits.maxText) {
      const text = this.#overflowText ?? this.#texts[0] ?? bytes.latin1Slice(start, Math.min(stop, start + 256));
      this.#overflowText = undefined;
      this.#reset();
      return { kind: "overflow", text };
    }
    const marker = readLiteralMarker(bytes, start, stop);
    if (this.#isDropping) return this.#drop(marker);
    if (marker) return this.#announce(bytes.latin1Slice(start, marker.textEnd), marker);
    const text = bytes.latin1Slice(start, stop);
    if (this.#literals.length === 0) {
      // The usual case: nothing but the frame itself is made.
      this.#textOctets = 0;
      return { kind: "frame", frame: { texts: [text], literals: noLiterals } };
    }
    this.#texts.push(text);
    const frame: Frame = { texts: this.#texts, literals: this.#literals };
    this.#reset();
    return { kind: "frame", frame };
  }

  #announce(text: string, { size, isSynchronizing, isBinary }: LiteralMarker): FrameEvent {
    this.#texts.push(text);
    const head: Frame = { texts: this.#texts, literals: this.#literals };
    const literal: LiteralAnnouncement = { kind: "literal", head, size, isSynchronizing, isBinary };
    this.#pending = { kind: "announced", literal };
    return literal;
  }

  /** Passes over one more text of a refused frame. */
  #drop(marker: LiteralMarker | undefined): "again" {
    this.#reset();
    // A synchronizing literal in a frame that was already answered: the sender waits for nothing any more.
    if (marker && !marker.isSynchronizing) {
      this.#pending = { kind: "skip", left: marker.size };
      this.#isDropping = true;
    }
    return "again";
  }

  /** A line that is too long before its end is there: keeps its beginning only. */
  #noteOverflow(): void {
    if (this.#textOctets + this.buffered <= this.#limits.maxText) return;
    const begin = this.#start;
    this.#overflowText ??= this.#texts[0] ?? this.#bytes.latin1Slice(begin, Math.min(this.#bytes.length, begin + 256));
    this.#start = this.#bytes.length;
    this.#scanned = this.#start;
  }

  /** Goes behind the next line; returns where its text ends, before CRLF (a bare LF is taken too), or -1. */
  #cutLine(): number {
    const bytes = this.#bytes;
    const start = this.#start;
    const end = bytes.indexOf(lineFeed, Math.max(start, this.#scanned));
    if (end < 0) {
      this.#scanned = bytes.length;
      return -1;
    }
    this.#start = end + 1;
    this.#scanned = end + 1;
    return end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
  }

  #take(most: number): Buffer {
    const piece = this.#bytes.subarray(this.#start, this.#start + most);
    this.#start += piece.length;
    this.#scanned = this.#start;
    return piece;
  }

  #fillBuffer(pending: Extract<Pending, { kind: "buffer" }>): boolean {
    const copied = this.#bytes.copy(pending.bytes, pending.filled, this.#start);
    this.#start += copied;
    this.#scanned = this.#start;
    pending.filled += copied;
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
    this.#textOctets = Math.max(0, this.#textOctets - pending.literal.size);
    this.#addLiteral(pending.literal, undefined, pending.sink.end());
    return true;
  }

  #skip(pending: Extract<Pending, { kind: "skip" }>): boolean {
    pending.left -= this.#take(pending.left).length;
    if (pending.left > 0) return false;
    this.#pending = textPending;
    return true;
  }

  #addLiteral(literal: LiteralAnnouncement, bytes: Uint8Array | undefined, sunk: unknown): void {
    const { size, isSynchronizing, isBinary } = literal;
    this.#literals.push({ size, isSynchronizing, isBinary, bytes, sunk });
    this.#pending = textPending;
  }

  #reset(): void {
    if (this.#texts.length > 0) this.#texts = [];
    if (this.#literals.length > 0) this.#literals = [];
    this.#textOctets = 0;
    this.#pending = textPending;
    this.#isDropping = false;
  }
}

const emptyBuffer = Buffer.alloc(0);

interface LiteralMarker {
  /** Where the text before the marker ends. */
  readonly textEnd: number;
  readonly size: number;
  readonly isSynchronizing: boolean;
  readonly isBinary: boolean;
}

const mostDigits = 15;

/** Reads `{n}`, `{n+}`, `~{n}` at the end of bytes[start, stop); `{n-}` is not a literal. Sizes are at most 15 digits. */
function readLiteralMarker(bytes: Buffer, start: number, stop: number): LiteralMarker | undefined {
  if (bytes[stop - 1] !== 0x7d /* } */ || stop - start < 3) return undefined;
  const isSynchronizing = bytes[stop - 2] !== 0x2b; /* + */
  const last = isSynchronizing ? stop - 2 : stop - 3;
  let size = 0;
  let at = last;
  for (let place = 1; at >= start; at--, place *= 10) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    if (last - at === mostDigits) return undefined;
    size += digit * place;
  }
  if (at === last || at < start || bytes[at] !== 0x7b /* { */) return undefined;
  const isBinary = at > start && bytes[at - 1] === 0x7e; /* ~ */
  return { textEnd: isBinary ? at - 1 : at, size, isSynchronizing, isBinary };
}
