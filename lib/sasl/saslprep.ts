// SASLprep (RFC 4013, on the tables of RFC 3454): one spelling for names and passwords that look the same.

import { fromLatin1 } from "../base/bytes.ts";
import { Bad } from "../base/fault.ts";

/** RFC 3454 table C.1.2: spaces that become U+0020. */
const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** Table B.1: characters that mean nothing here. */
const nothing = /[\u00ad\u1806\u200c\u2060\ufeff]|\u200d|[\u180b-\u180d]|[\ufe00-\ufe0f]|\u034f/gu;
/** Tables C.2.1 to C.9: controls, private use, not characters, surrogates, and what changes the display. */
const prohibited =
  /[\u0000-\u001f\u007f-\u009f\u06dd\u070f\u180e\u2028\u2029\u2061-\u2063\u206a-\u206f\ufff9-\uffff\u{1d173}-\u{1d17a}\u200e\u200f\u202a-\u202e\u2ff0-\u2ffb\ufdd0-\ufdef\u{e0001}\u{e0020}-\u{e007f}]|\p{Co}|\p{Cs}|[\u{1fffe}\u{1ffff}\u{2fffe}\u{2ffff}\u{3fffe}\u{3ffff}\u{4fffe}\u{4ffff}\u{5fffe}\u{5ffff}\u{6fffe}\u{6ffff}\u{7fffe}\u{7ffff}\u{8fffe}\u{8ffff}\u{9fffe}\u{9ffff}\u{afffe}\u{affff}\u{bfffe}\u{bffff}\u{cfffe}\u{cffff}\u{dfffe}\u{dffff}\u{efffe}\u{effff}]/u;
/** Table D.1, by script: letters written from right to left. */
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const leftToRight = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}]/u;
const printableAscii = /^[\x20-\x7e]*$/;

/** The prepared text. Throws Bad when it holds what no name or password may hold; the text itself is never quoted. */
export function saslprep(text: string): string {
  if (printableAscii.test(text)) return text;
  const prepared = text.replace(otherSpaces, " ").replace(nothing, "").normalize("NFKC");
  if (prohibited.test(prepared)) throw new Bad("Name or password holds a character that is not allowed");
  if (rightToLeft.test(prepared)) requireOneDirection(prepared);
  return prepared;
}

/** A name or password that came as octets (latin1), outside of SASL: UTF-8, as everywhere, where it can be. */
export function saslprepOctets(octets: string): string {
  if (printableAscii.test(octets)) return octets;
  try {
    return saslprep(strictUtf8.decode(fromLatin1(octets)));
  } catch (fault) {
    if (fault instanceof Bad) throw fault;
    return saslprep(octets);
  }
}

/** RFC 3454 §6. */
function requireOneDirection(text: string): void {
  const characters = [...text];
  const isFramed = rightToLeft.test(characters[0] ?? "") && rightToLeft.test(characters.at(-1) ?? "");
  if (!isFramed || leftToRight.test(text)) throw new Bad("Name or password mixes directions of writing");
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of one SASL message. Throws Bad when it is not UTF-8. */
export function decodeMessage(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) throw new Bad("The SASL exchange lacks a response");
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new Bad("The SASL response is not UTF-8");
  }
}
