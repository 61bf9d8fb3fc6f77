// Follows a server's answers without parsing them (RFC 9051 §2.2.2): it looks at the beginnings of lines and at literal
// lengths, nothing else. Untagged responses pass through in the pieces they came in, so that a FETCH of 50 MB costs no
// more memory than its chunks. BYE is held back: the end of a backend is not the end of the client's session.

import { asBuffer, latin1 } from "../base/bytes.ts";

export interface ReplyEvents {
  /** Untagged responses, cut anywhere. Only valid during the call. */
  data(bytes: Uint8Array): void;
  continuation(text: string): void;
  /** A tagged line without its CRLF. */
  tagged(tag: string, rest: string): void;
  bye(text: string): void;
  /**
   * Asked at each tagged line: "on" leaves it in the data as it came, "last" too, but all data up to its end is given out
   * and `passed` is called before anything else. "no", or without this method: `tagged` gets it.
   */
  passes?(line: Buffer): "on" | "last" | "no";
  passed?(): void;
  /**
   * A complete line that says how many messages there are, that some are gone, or in what state the server is: EXISTS,
   * EXPUNGE, VANISHED, OK, NO, BAD. It goes out with the data nevertheless. Only valid during the call.
   */
  counts?(line: Buffer): void;
  /** VANISHED in a line that was too long to be held. */
  missed?(): void;
}

const lineFeed = 0x0a;
const space = 0x20;
const star = 0x2a;
const plus = 0x2b;
/** A line that is longer than this is streamed before its end is seen; it cannot be tagged. */
const maxHeldLine = 16_384;
const markerLength = 24;

export class ReplyScanner {
  readonly #events: ReplyEvents;
  /** `counts` gets FETCH, too, of messages with this number or a higher one. */
  fetchesFrom = Number.POSITIVE_INFINITY;
  /** The beginning of a line whose end has not come. */
  #held: Buffer | undefined;
  /** Octets of a literal still to come. */
  #literalLeft = 0;
  /** In an untagged line after a literal, or in one longer than what is held: its last octets, to find a literal. */
  #tail: Buffer | undefined;

  constructor(events: ReplyEvents) {
    this.#events = events;
  }

  /** Whether the stream stands between two responses. */
  get isBetweenResponses(): boolean {
    return this.#held === undefined && !this.isInsideResponse;
  }

  /** Whether a part of a response was given out and its end has not come. */
  get isInsideResponse(): boolean {
    return this.#literalLeft > 0 || this.#tail !== undefined;
  }

  /** The beginning of a line that was not given out, and forgets it: for who reads on from here. */
  takeHeld(): Uint8Array {
    const held = this.#held ?? new Uint8Array(0);
    this.#held = undefined;
    return held;
  }

  feed(bytes: Uint8Array): void {
    const chunk = asBuffer(bytes);
    let at = 0;
    /** Untagged octets from here on have not been passed yet. */
    let from = 0;
    const pass = (to: number) => {
      if (to > from) this.#events.data(chunk.subarray(from, to));
    };
    while (at < chunk.length) {
      if (this.#literalLeft > 0) {
        const taken = Math.min(this.#literalLeft, chunk.length - at);
        this.#literalLeft -= taken;
        at += taken;
        continue;
      }
      const end = chunk.indexOf(lineFeed, at);
      if (this.#tail) {
        const stop = end < 0 ? chunk.length : end + 1;
        const seen = Buffer.concat([this.#tail, chunk.subarray(Math.max(at, stop - markerLength), stop)]);
        this.#tail = end < 0 ? seen.subarray(-markerLength) : undefined;
        at = stop;
        if (end >= 0) this.#enterLiteral(seen);
        continue;
      }
      if (end < 0) {
        pass(at);
        from = chunk.length;
        this.#hold(chunk.subarray(at));
        return;
      }
      const stop = end + 1;
      const held = this.#held;
      // Only the first line of a chunk can complete a held one.
      const line = held ? Buffer.concat([held, chunk.subarray(at, stop)]) : chunk.subarray(at, stop);
      this.#held = undefined;
      const fate = this.#fateOf(line);
      if (held) {
        if (fate !== "no") this.#events.data(line);
        from = stop;
      } else if (fate !== "on") {
        pass(fate === "last" ? stop : at);
        from = stop;
      }
      if (fate === "last") this.#events.passed?.();
      else if (fate === "no") this.#report(line);
      at = stop;
    }
    pass(chunk.length);
  }

  /** Keeps the beginning of a line; a very long one is untagged data and is let go. */
  #hold(piece: Buffer): void {
    const held = this.#held ? Buffer.concat([this.#held, piece]) : Buffer.from(piece);
    if (held.length <= maxHeldLine) {
      this.#held = held;
      return;
    }
    this.#held = undefined;
    this.#tail = Buffer.from(held.subarray(-markerLength));
    if (held[0] === star && startsWithWord(held, "VANISHED")) this.#events.missed?.();
    this.#events.data(held);
  }

  /** Whether the complete line stays in the data; enters the literal that follows it, if any. */
  #fateOf(line: Buffer): "on" | "last" | "no" {
    if (line[0] === plus) return "no";
    if (line[0] !== star || line[1] !== space) return this.#events.passes?.(line) ?? "no";
    if (isStatus(line)) {
      if (startsWithWord(line, "BYE")) return "no";
      this.#events.counts?.(line);
      return "on";
    }
    if (isCount(line) || (this.fetchesFrom < Number.POSITIVE_INFINITY && numberOf(line) >= this.fetchesFrom)) {
      this.#events.counts?.(line);
    }
    this.#enterLiteral(line);
    return "on";
  }

  #enterLiteral(line: Buffer): void {
    const size = literalSize(line);
    if (size === undefined) return;
    this.#literalLeft = size;
    this.#tail = Buffer.alloc(0);
  }

  #report(line: Buffer): void {
    const text = latin1(line).replace(/\r?\n$/, "");
    const end = text.indexOf(" ");
    if (text.startsWith("+")) this.#events.continuation(text.slice(text.startsWith("+ ") ? 2 : 1));
    else if (text.startsWith("* ")) this.#events.bye(text.slice(6));
    else this.#events.tagged(end < 0 ? text : text.slice(0, end), end < 0 ? "" : text.slice(end + 1));
  }
}

const statusWords = ["OK", "NO", "BAD", "BYE", "PREAUTH"] as const;

/** The status responses end in free text, which may look like a literal. */
function isStatus(line: Buffer): boolean {
  if ((line[2] ?? 0) < 0x41 /* A */) return false; // a number: the most of all responses
  for (const word of statusWords) if (startsWithWord(line, word)) return true;
  return false;
}

/** EXISTS, EXPUNGE and VANISHED. Asked of every line: of a FETCH, the last letter says no. */
function isCount(line: Buffer): boolean {
  if ((line[2] ?? 0) >= 0x41 /* A */) return startsWithWord(line, "VANISHED");
  const end = line.length - (line[line.length - 2] === 0x0d ? 2 : 1);
  const last = (line[end - 1] ?? 0) & 0xdf;
  if (last === 0x53 /* S */) return endsWithWord(line, "EXISTS", end);
  return last === 0x45 /* E */ && endsWithWord(line, "EXPUNGE", end);
}

/** The number behind "* ", 0 when there is none. */
function numberOf(line: Buffer): number {
  let number = 0;
  for (let at = 2; line[at]! >= 0x30 && line[at]! <= 0x39; at += 1) number = 10 * number + line[at]! - 0x30;
  return number;
}

/** Whether the line, up to `end`, ends in a space and the word, in any case of letters. */
function endsWithWord(line: Buffer, word: string, end: number): boolean {
  const start = end - word.length;
  if (line[start - 1] !== space) return false;
  for (let index = 0; index < word.length; index += 1) {
    if (((line[start + index] ?? 0) & 0xdf) !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether the word stands behind "* ", in any case of letters. */
function startsWithWord(line: Buffer, word: string): boolean {
  if (line.length < 2 + word.length) return false;
  for (let index = 0; index < word.length; index += 1) {
    if (((line[2 + index] ?? 0) & 0xdf) !== word.charCodeAt(index)) return false;
  }
  const after = line[2 + word.length];
  return after === space || after === 0x0d || after === lineFeed;
}

/** The size in `{n}CRLF` or `{n+}CRLF` at the end of the line. */
function literalSize(line: Buffer): number | undefined {
  let last = line.length - 2;
  if (line[last] === 0x0d) last -= 1;
  if (line[last] !== 0x7d /* } */) return undefined;
  const found = /\{(\d{1,15})\+?\}$/.exec(latin1(line.subarray(Math.max(0, last + 1 - markerLength), last + 1)));
  return found ? Number(found[1]) : undefined;
}
