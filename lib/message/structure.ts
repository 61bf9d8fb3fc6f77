// The MIME tree of a message (RFC 2045, 2046): where each part's header and body are. One pass over the octets, linear
// whatever the message holds; never fails. Broken multiparts are read the way mail programs mean them: a missing closing
// delimiter ends at the next outer one or at the end.

import { asBuffer } from "../base/bytes.ts";
import { Boundaries, type Delimiter } from "./boundary.ts";
import {
  type ContentType,
  encapsulatedMessage,
  parameter,
  parseContentType,
  plainText,
  transferEncoding,
} from "./content-type.ts";
import { firstValue, type Header, parseHeader } from "./header.ts";

/** Offsets are octets from the start of the message. A message is its own root part. */
export interface Part {
  readonly header: Header;
  readonly bodyStart: number;
  /** Without the line end that belongs to the delimiter after it (RFC 2046 §5.1.1). */
  readonly bodyEnd: number;
  readonly contentType: ContentType;
  /** Content-Transfer-Encoding in upper case. */
  readonly encoding: string;
  /** What the tree makes of it; a "message" has one child, a "multipart" at least one. */
  readonly kind: "text" | "multipart" | "message" | "other";
  /** Line ends in the body; counted for "text" and "message" only. */
  readonly lines: number;
  readonly children: readonly Part[];
}

type Draft = { -readonly [Key in keyof Part]: Part[Key] };

/** What lies deeper, or comes later, is not taken apart: it stays in the body of the part around it. */
export const maxDepth = 100;
export const maxParts = 10_000;

/** RFC 2045 §5.2 gives no better guess for what must not be shown as what it says it is. */
const opaque: ContentType = { type: "APPLICATION", subtype: "OCTET-STREAM", parameters: [] };

export function parseMessage(bytes: Uint8Array): Part {
  return new StructureParser(bytes).message();
}

class StructureParser {
  readonly #bytes: Buffer;
  readonly #boundaries: Boundaries;
  readonly #isBoundary: (lineStart: number) => boolean;
  /** The delimiter line that ended the part read last; undefined at the end of the message. */
  #stop: Delimiter | undefined;
  #parts = 0;
  readonly #withLines: Draft[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes);
    this.#boundaries = new Boundaries(this.#bytes);
    this.#isBoundary = (lineStart) => this.#boundaries.at(lineStart) !== undefined;
  }

  message(): Part {
    const root = this.#part(0, plainText, 1);
    countLines(this.#bytes, this.#withLines);
    return root;
  }

  #part(start: number, fallback: ContentType, depth: number): Draft {
    this.#parts++;
    const header = parseHeader(this.#bytes, start, this.#isBoundary);
    const field = firstValue(header, "content-type");
    const contentType = (field === undefined ? undefined : parseContentType(field)) ?? fallback;
    const part: Draft = {
      header,
      bodyStart: header.end,
      bodyEnd: header.end,
      contentType,
      encoding: transferEncoding(header),
      kind: "other",
      lines: 0,
      children: [],
    };
    const mayNest = depth < maxDepth && this.#parts < maxParts;
    if (contentType.type === "TEXT") this.#leaf(part, "text");
    else if (contentType.type === "MULTIPART") this.#multipart(part, depth, mayNest);
    else if (isMessage(contentType)) this.#encapsulated(part, depth, mayNest);
    else this.#leaf(part, "other");
    return part;
  }

  #leaf(part: Draft, kind: "text" | "other"): void {
    part.kind = kind;
    if (kind === "text") this.#withLines.push(part);
    this.#stop = this.#boundaries.next(part.bodyStart);
    this.#endBody(part);
  }

  #encapsulated(part: Draft, depth: number, mayNest: boolean): void {
    if (!mayNest || !isIdentity(part.encoding)) {
      // RFC 2046 §5.2.1 forbids to encode message/rfc822; where it happens the octets are not a message yet.
      part.contentType = opaque;
      this.#leaf(part, "other");
      return;
    }
    part.kind = "message";
    this.#withLines.push(part);
    const child = this.#part(part.bodyStart, plainText, depth + 1);
    part.children = [child];
    part.bodyEnd = child.bodyEnd;
  }

  #multipart(part: Draft, depth: number, mayNest: boolean): void {
    if (!mayNest) {
      part.contentType = opaque;
      this.#leaf(part, "other");
      return;
    }
    part.kind = "multipart";
    const children: Part[] = [];
    const boundary = parameter(part.contentType.parameters, "BOUNDARY")?.replace(/[ \t]+$/, "");
    if (boundary) this.#children(part, boundary, depth, children);
    else this.#stop = this.#boundaries.next(part.bodyStart);
    this.#endBody(part);
    if (children.length === 0) children.push(this.#emptyPart(part.bodyEnd));
    part.children = children;
  }

  #children(part: Draft, boundary: string, depth: number, children: Part[]): void {
    const level = this.#boundaries.push(boundary);
    const fallback = part.contentType.subtype === "DIGEST" ? encapsulatedMessage : plainText;
    let delimiter = this.#boundaries.next(part.bodyStart);
    while (delimiter?.level === level && !delimiter.isClosing && this.#parts < maxParts) {
      children.push(this.#part(delimiter.lineEnd, fallback, depth + 1));
      delimiter = this.#stop;
    }
    this.#boundaries.pop();
    // What follows the closing delimiter is the epilogue: only outer delimiters count in it.
    this.#stop = delimiter?.level === level ? this.#boundaries.next(delimiter.lineEnd) : delimiter;
  }

  /** The body ends before the delimiter's line and the line end in front of it, or with the message. */
  #endBody(part: Draft): void {
    let end = this.#stop ? this.#stop.lineStart : this.#bytes.length;
    if (this.#stop && this.#bytes[end - 1] === 10) end -= this.#bytes[end - 2] === 13 ? 2 : 1;
    part.bodyEnd = Math.max(part.bodyStart, end);
  }

  /** RFC 9051's grammar wants a part in every multipart: an empty text, as Dovecot says too. */
  #emptyPart(at: number): Part {
    const header: Header = { start: at, fieldsEnd: at, end: at, fields: [], text: "" };
    const contentType = plainText;
    return { header, bodyStart: at, bodyEnd: at, contentType, encoding: "7BIT", kind: "text", lines: 0, children: [] };
  }
}

/** RFC 9051 §7.5.2: body-type-msg is for these two. */
function isMessage(contentType: ContentType): boolean {
  return contentType.type === "MESSAGE" && (contentType.subtype === "RFC822" || contentType.subtype === "GLOBAL");
}

function isIdentity(encoding: string): boolean {
  return encoding !== "BASE64" && encoding !== "QUOTED-PRINTABLE";
}

/** Counts the line ends of all these bodies in one sweep: messages in messages would be counted again and again. */
function countLines(bytes: Uint8Array, parts: readonly Draft[]): void {
  if (parts.length === 1) {
    const only = parts[0]!;
    only.lines = lineEnds(bytes, only.bodyStart, only.bodyEnd);
    return;
  }
  const offsets = Float64Array.from(parts.flatMap((part) => [part.bodyStart, part.bodyEnd])).sort();
  const before = new Map<number, number>();
  let at = 0;
  let count = 0;
  for (const offset of offsets) {
    count += lineEnds(bytes, at, offset);
    at = offset;
    before.set(offset, count);
  }
  for (const part of parts) part.lines = before.get(part.bodyEnd)! - before.get(part.bodyStart)!;
}

function lineEnds(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if (bytes[at] === 10) count++;
  return count;
}
