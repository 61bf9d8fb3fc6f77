// Content-Transfer-Encodings (RFC 2045 §6), decoding only, tolerant as §6.7 and §6.8 recommend.

import { asBuffer } from "../base/bytes.ts";

const equals = 61;

const decoders: Readonly<Record<string, (body: Uint8Array) => Uint8Array>> = {
  "7BIT": (body) => body,
  "8BIT": (body) => body,
  BINARY: (body) => body,
  BASE64: decodeBase64,
  "QUOTED-PRINTABLE": decodeQuotedPrintable,
};

/** The octets behind an encoding (name in upper case); undefined when the encoding is unknown. */
export function decodeTransfer(body: Uint8Array, encoding: string): Uint8Array | undefined {
  return Object.hasOwn(decoders, encoding) ? decoders[encoding]?.(body) : undefined;
}

/** Ignores what is not base64; padding in the middle (pieces encoded one by one) does not end it. */
export function decodeBase64(body: Uint8Array): Uint8Array {
  const text = asBuffer(body).toString("latin1");
  const firstPadding = text.indexOf("=");
  if (firstPadding < 0 || !/[A-Za-z0-9+/]/.test(text.slice(firstPadding))) return Buffer.from(text, "base64");
  const pieces = text.replace(/[^A-Za-z0-9+/=]/g, "").split(/=+/);
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64")));
}

/** What looks like an escape but is none stays; blanks at line ends go (RFC 2045 §6.7). */
export function decodeQuotedPrintable(body: Uint8Array): Uint8Array {
  const decoded = new Uint8Array(body.length);
  let length = 0;
  let lineLength = 0; // `decoded` up to here may not be cut as trailing blanks: it came out of escapes
  for (let at = 0; at < body.length; at++) {
    const octet = body[at]!;
    if (octet === equals) {
      const high = hexDigit(body[at + 1]);
      const low = hexDigit(body[at + 2]);
      if (high >= 0 && low >= 0) {
        decoded[length++] = high * 16 + low;
        lineLength = length;
        at += 2;
        continue;
      }
      const lineEnd = softBreak(body, at + 1);
      if (lineEnd > 0) {
        lineLength = length;
        at = lineEnd - 1;
        continue;
      }
    }
    if (octet === 10 || (octet === 13 && body[at + 1] === 10)) {
      while (length > lineLength && isBlank(decoded[length - 1])) length--;
      decoded[length++] = octet;
      lineLength = length;
    } else {
      decoded[length++] = octet;
      if (!isBlank(octet)) lineLength = length;
    }
  }
  return decoded.subarray(0, length);
}

/** The offset after a soft line break whose "=" stands before `at`; 0 when there is none. */
function softBreak(body: Uint8Array, at: number): number {
  let end = at;
  while (isBlank(body[end])) end++;
  if (end >= body.length) return end;
  if (body[end] === 13 && body[end + 1] === 10) return end + 2;
  return body[end] === 10 ? end + 1 : 0;
}

function isBlank(octet: number | undefined): boolean {
  return octet === 32 || octet === 9;
}

function hexDigit(octet: number | undefined): number {
  if (octet === undefined) return -1;
  if (octet >= 48 && octet <= 57) return octet - 48;
  const upper = octet & 0xdf;
  return upper >= 65 && upper <= 70 ? upper - 55 : -1;
}
