// Bytes and text. Wire text is handled as latin1 ("binary") strings or Uint8Array; UTF-8 is decoded only where a value
// is known to be text.

export const emptyBytes = new Uint8Array(0);

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** Decodes UTF-8; what is not valid becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes);
}

declare global {
  interface Buffer {
    /** In every Buffer at run time, though undocumented: toString("latin1") of a subarray takes twice as long. */
    latin1Slice(start: number, end: number): string;
  }
}

/** One character per byte. */
export function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).latin1Slice(0, bytes.length);
}

/** One byte per character; characters above U+00FF are cut to their low byte, so pass wire text only. */
export function fromLatin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
