// From octets to text: character sets (TextDecoder's, and those of legacy-charset.ts) and the encoded words of RFC 2047.
// Made for searching and showing: unknown names and broken octets give the best guess, never a fault.

import { asBuffer, fromLatin1 } from "../base/bytes.ts";
import { legacyCharsets } from "./legacy-charset.ts";
import { decodeBase64, decodeQuotedPrintable } from "./transfer-encoding.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });
const windows1252 = new TextDecoder("windows-1252");

/** Undefined for a name that TextDecoder does not know. Filled as names come up; hostile names are not kept. */
const decoders = new Map<string, TextDecoder>([["utf-8", new TextDecoder("utf-8")]]);

/** Names that say too little: the octets are looked at instead. */
const vague = new Set(["", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "unknown", "8bit", "default"]);

/** Decodes text in a character set (name in any case). With an unknown or no name: UTF-8 if it is valid, else windows-1252. */
export function decodeText(bytes: Uint8Array, charset = ""): string {
  const name = charset.trim().toLowerCase();
  if (vague.has(name)) return guessText(bytes);
  if (Object.hasOwn(legacyCharsets, name)) return legacyCharsets[name]!(bytes);
  return decoderFor(name)?.decode(bytes) ?? guessText(bytes);
}

/** Text that says nothing about its character set, such as raw eight-bit headers. */
export function guessText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return windows1252.decode(bytes);
  }
}

function decoderFor(name: string): TextDecoder | undefined {
  const known = decoders.get(name);
  if (known) return known;
  try {
    const decoder = new TextDecoder(name as Bun.Encoding); // any name: an unknown one throws
    decoders.set(name, decoder);
    return decoder;
  } catch {
    return undefined;
  }
}

// Spaces inside the encoded text are not allowed but occur.
const encodedWord = /=\?([^?* \t\r\n]+)(?:\*[^? \t\r\n]*)?\?([bqBQ])\?([^?\r\n]*)\?=/g;

/**
 * Decodes an unfolded header value (latin1) for people: encoded words (RFC 2047, with the language of RFC 2231 §5), and
 * eight-bit octets around them. Adjacent words of one character set are put together before they are decoded,
 * because some senders cut characters in two.
 */
export function decodeHeaderText(value: string): string {
  let text = "";
  let done = 0;
  let pending: { charset: string; chunks: Uint8Array[] } | undefined;
  const flush = () => {
    if (pending) text += decodeText(Buffer.concat(pending.chunks), pending.charset);
    pending = undefined;
  };
  for (const match of value.matchAll(encodedWord)) {
    const between = value.slice(done, match.index);
    const charset = match[1]!.toLowerCase();
    const isAdjacent = pending !== undefined && /^[ \t\r\n]*$/.test(between); // RFC 2047 §6.2
    if (!isAdjacent || pending?.charset !== charset) flush();
    if (!isAdjacent) text += rawText(between);
    pending ??= { charset, chunks: [] };
    pending.chunks.push(decodeWord(match[2]!, match[3]!));
    done = match.index + match[0].length;
  }
  flush();
  return text + rawText(value.slice(done));
}

function rawText(latin1Text: string): string {
  return /[\x80-\xff]/.test(latin1Text) ? guessText(fromLatin1(latin1Text)) : latin1Text;
}

function decodeWord(encoding: string, encoded: string): Uint8Array {
  if (encoding === "b" || encoding === "B") return decodeBase64(asBuffer(fromLatin1(encoded)));
  return decodeQuotedPrintable(fromLatin1(encoded.replaceAll("_", "=20")));
}
