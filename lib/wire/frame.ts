// A frame is one command or response of the line-and-literal languages (IMAP RFC 9051 §2.2, MUPDATE RFC 3656 §3.1,
// ManageSieve RFC 5804 §1.2): text parts with literals between them, up to the CRLF that ends it. Framing comes before
// grammar: boundaries and limits hold whatever the text says. See frame-reader.ts for how frames are cut from a stream.

/** A literal inside a frame. */
export interface Literal {
  readonly size: number;
  /** `{n+}`: the sender does not wait for a continuation. */
  readonly isSynchronizing: boolean;
  /** `~{n}`: literal8, may hold NUL (RFC 3516). */
  readonly isBinary: boolean;
  /** The octets; undefined for a literal that was streamed to a `LiteralSink` and whose value is in `sunk`. */
  readonly bytes: Uint8Array | undefined;
  /** What the sink that took the octets made of them. */
  readonly sunk: unknown;
}

/**
 * `texts[i]` is followed by `literals[i]`; there is always one text more than literals. Texts are latin1, without the
 * `{n}` markers (their `~` included) and without the final CRLF.
 */
export interface Frame {
  readonly texts: readonly string[];
  readonly literals: readonly Literal[];
}

/** The first word of a frame and what follows, for tags and command names. */
export function splitWord(text: string, from = 0): { readonly word: string; readonly next: number } {
  const end = text.indexOf(" ", from);
  return end < 0 ? { word: text.slice(from), next: text.length } : { word: text.slice(from, end), next: end + 1 };
}
