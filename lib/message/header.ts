// A header (RFC 5322 §2.2): where its fields and its end are, with the octets kept as they came. Tolerant: lines that
// are no fields, line ends without CR, and a header without an empty line after it all occur in real mail.

import { asBuffer, concatBytes, fromLatin1 } from "../base/bytes.ts";

const lf = 10;
const cr = 13;

/** A header with more fields than this is cut: the rest is one nameless field. Keeps memory within bounds. */
const maxFields = 20_000;

/** Offsets are octets from the start of the message. */
export interface HeaderField {
  /** Lower case, without the colon; "" for a line that is no field. */
  readonly name: string;
  readonly start: number;
  /** After the colon. */
  readonly valueStart: number;
  /** After the line end of its last line. */
  readonly end: number;
}

export interface Header {
  readonly start: number;
  /** After the last field. */
  readonly fieldsEnd: number;
  /** After the empty line; equal to `fieldsEnd` when there is none. */
  readonly end: number;
  readonly fields: readonly HeaderField[];
  /** The octets from `start` to `end` as latin1. */
  readonly text: string;
}

/**
 * Reads a header that starts at `start`. `isBoundary` says whether a line that starts with "--" ends the part: then
 * the header ends before it.
 */
export function parseHeader(bytes: Uint8Array, start = 0, isBoundary?: (lineStart: number) => boolean): Header {
  const buffer = asBuffer(bytes);
  const starts: number[] = [];
  let at = start;
  let end = -1;
  while (at < bytes.length) {
    const first = bytes[at]!;
    const lineFeed = buffer.indexOf(lf, at);
    if (first === lf || (first === cr && lineFeed === at + 1)) {
      end = lineFeed + 1;
      break;
    }
    if (first === 45 && bytes[at + 1] === 45 && isBoundary?.(at)) break;
    if ((first !== 32 && first !== 9) || at === start) if (starts.length < maxFields) starts.push(at);
    at = lineFeed < 0 ? bytes.length : lineFeed + 1;
  }
  if (end < 0) end = at;
  const text = buffer.toString("latin1", start, end);
  return { start, fieldsEnd: at, end, fields: fieldsAt(text, start, starts, at), text };
}

function fieldsAt(text: string, headerStart: number, starts: readonly number[], fieldsEnd: number): HeaderField[] {
  const fields: HeaderField[] = [];
  let colon = -2; // the first colon at or after the line; looked for once, however many lines lack one
  for (let index = 0; index < starts.length; index++) {
    const start = starts[index]!;
    const end = starts[index + 1] ?? fieldsEnd;
    if (colon !== -1 && colon < start - headerStart) colon = text.indexOf(":", start - headerStart);
    if (colon === -1 || colon >= end - headerStart) {
      fields.push({ name: "", start, valueStart: start, end });
      continue;
    }
    let nameEnd = colon;
    while (nameEnd > start - headerStart && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd--; // RFC 5322 §4.5
    const name = text.slice(start - headerStart, nameEnd).toLowerCase();
    fields.push({ name, start, valueStart: headerStart + colon + 1, end });
  }
  return fields;
}

/** A field's value unfolded, without blanks around it, as latin1. */
export function fieldValue(header: Header, field: HeaderField): string {
  return unfold(header.text.slice(field.valueStart - header.start, field.end - header.start));
}

/** The value of the first field called `name` (lower case), as `fieldValue` gives it; undefined when there is none. */
export function firstValue(header: Header, name: string): string | undefined {
  for (const field of header.fields) if (field.name === name) return fieldValue(header, field);
  return undefined;
}

/** The values of all fields called `name` (lower case). */
export function allValues(header: Header, name: string): readonly string[] {
  return header.fields.filter((field) => field.name === name).map((field) => fieldValue(header, field));
}

/**
 * HEADER.FIELDS (`keep`) and HEADER.FIELDS.NOT of RFC 9051 §6.4.5, octet for octet, with the empty line if the header
 * has one. `names` in any case. `bytes` is the message that the header was read from.
 */
export function selectFields(bytes: Uint8Array, header: Header, names: readonly string[], keep: boolean): Uint8Array {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const chunks: Uint8Array[] = [];
  for (const field of header.fields) {
    if (wanted.has(field.name) === keep) chunks.push(bytes.subarray(field.start, field.end));
  }
  if (header.end > header.fieldsEnd) chunks.push(fromLatin1("\r\n"));
  return concatBytes(chunks);
}

/** Removes line ends and the blanks around the text. Only ASCII blanks: 0xA0 may be half a UTF-8 character. */
export function unfold(raw: string): string {
  let start = 0;
  let end = raw.length;
  while (end > 0 && isSpace(raw.charCodeAt(end - 1))) end--;
  while (start < end && isSpace(raw.charCodeAt(start))) start++;
  const text = raw.slice(start, end);
  return text.includes("\n") ? text.replace(/\r?\n/g, "") : text;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
