// Sections of a message (RFC 9051 §6.4.5, section): from "1.2.HEADER" to octets. Whole messages and top headers are
// answered without taking the message apart.

import { parseHeader, selectFields } from "./header.ts";
import { type Part, parseMessage } from "./structure.ts";
import { decodeTransfer } from "./transfer-encoding.ts";

export interface Section {
  /** Part numbers; empty for the message itself. */
  readonly path: readonly number[];
  readonly what: "all" | "header" | "header.fields" | "header.fields.not" | "text" | "mime";
  /** For the two "header.fields": names in any case. */
  readonly fields: readonly string[];
}

/** The octets of a message: what the store gives, or `sourceOf` memory. */
export interface MessageSource {
  readonly size: number;
  /** Octets of the header including the empty line after it. */
  readonly headerSize: number;
  /** Octets `start`…`end` (end excluded), clipped to the message. */
  read(start: number, end: number): Uint8Array;
}

/** Octets of the message from `start` to `end`, or octets that stand nowhere in one piece. */
export type SectionContent = { readonly start: number; readonly end: number } | { readonly bytes: Uint8Array };

const endings = new Map<string, Section["what"]>([
  ["HEADER", "header"],
  ["HEADER.FIELDS", "header.fields"],
  ["HEADER.FIELDS.NOT", "header.fields.not"],
  ["TEXT", "text"],
  ["MIME", "mime"],
]);

/**
 * Reads what stands between the brackets, without the list of field names, which is passed on. Undefined when the syntax
 * is wrong: a MIME without part number, a field list where none belongs or none where one does.
 */
export function parseSection(spec: string, fields: readonly string[] = []): Section | undefined {
  const match = /^((?:[1-9]\d{0,9})(?:\.[1-9]\d{0,9})*)?(?:(?:^|(?<=\d)\.)([A-Za-z.]+))?$/.exec(spec);
  if (!match) return undefined;
  const path = match[1]?.split(".").map(Number) ?? [];
  const what = match[2] === undefined ? "all" : endings.get(match[2].toUpperCase());
  if (what === undefined || (what === "mime" && path.length === 0)) return undefined;
  const wantsFields = what === "header.fields" || what === "header.fields.not";
  return wantsFields === fields.length > 0 ? { path, what, fields } : undefined;
}

export function sourceOf(bytes: Uint8Array): MessageSource {
  return { size: bytes.length, headerSize: parseHeader(bytes).end, read: (start, end) => bytes.subarray(start, end) };
}

/** Reads sections of one message; several cost one look at its structure. */
export class SectionReader {
  readonly #source: MessageSource;
  #root: Part | undefined;
  #bytes: Uint8Array | undefined;

  constructor(source: MessageSource) {
    this.#source = source;
  }

  /** The MIME tree. */
  get root(): Part {
    this.#root ??= parseMessage(this.#all());
    return this.#root;
  }

  /**
   * Where a section is. Undefined when the message has no such part, or the part no such thing (HEADER of what is no
   * message): the answer is NIL then, while one that is there but empty is "".
   */
  locate(section: Section): SectionContent | undefined {
    if (section.path.length === 0) return this.#locateInMessage(section);
    const part = this.part(section.path);
    if (!part) return undefined;
    if (section.what === "all") return { start: part.bodyStart, end: part.bodyEnd };
    if (section.what === "mime") return { start: part.header.start, end: part.header.end };
    const message = part.kind === "message" ? part.children[0] : undefined;
    if (!message) return undefined;
    if (section.what === "text") return { start: message.bodyStart, end: message.bodyEnd };
    if (section.what === "header") return { start: message.header.start, end: message.header.end };
    return { bytes: selectFields(this.#all(), message.header, section.fields, section.what === "header.fields") };
  }

  /** The octets of a section, or `length` of them from `offset` on (RFC 9051 §6.4.5, partial); undefined for NIL. */
  read(section: Section, offset = 0, length = Number.MAX_SAFE_INTEGER): Uint8Array | undefined {
    const content = this.locate(section);
    if (!content) return undefined;
    if ("bytes" in content) return content.bytes.subarray(offset, offset + length);
    const start = Math.min(content.start + offset, content.end);
    const end = Math.min(start + length, content.end);
    return this.#bytes?.subarray(start, end) ?? this.#source.read(start, end);
  }

  /**
   * BINARY (RFC 3516, RFC 9051 §6.4.5): a part's body without its transfer encoding. "unknown" when the encoding is
   * (answer NO [UNKNOWN-CTE]), undefined when there is no such part. An empty path gives the message as it is.
   */
  readDecoded(path: readonly number[]): Uint8Array | "unknown" | undefined {
    if (path.length === 0) return this.#all();
    const part = this.part(path);
    if (!part) return undefined;
    const body = this.#all().subarray(part.bodyStart, part.bodyEnd);
    return decodeTransfer(body, part.encoding) ?? "unknown";
  }

  /** The part with this number. A message that is no multipart has itself as part 1. */
  part(path: readonly number[]): Part | undefined {
    let part: Part | undefined = this.root;
    let isMessageRoot = true;
    for (const number of path) {
      if (part?.kind === "message" && !isMessageRoot) {
        part = part.children[0];
        isMessageRoot = true;
      }
      if (part?.kind === "multipart") part = part.children[number - 1];
      else part = isMessageRoot && number === 1 ? part : undefined;
      if (!part) return undefined;
      isMessageRoot = false;
    }
    return part;
  }

  #locateInMessage({ what, fields }: Section): SectionContent | undefined {
    const { size, headerSize } = this.#source;
    if (what === "all") return { start: 0, end: size };
    if (what === "header") return { start: 0, end: headerSize };
    if (what === "text") return { start: headerSize, end: size };
    if (what === "mime") return undefined;
    const bytes = this.#source.read(0, headerSize);
    return { bytes: selectFields(bytes, parseHeader(bytes), fields, what === "header.fields") };
  }

  #all(): Uint8Array {
    this.#bytes ??= this.#source.read(0, this.#source.size);
    return this.#bytes;
  }
}
