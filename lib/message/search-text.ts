// Whether a message contains a string, for SEARCH (RFC 9051 §6.4.4): case-insensitively, after transfer encodings,
// character sets and encoded words are undone. Text parts and encapsulated messages are looked into, other parts not.

import { decodeHeaderText, decodeText } from "./charset.ts";
import { parameter } from "./content-type.ts";
import { fieldValue, type Header, parseHeader } from "./header.ts";
import { htmlText } from "./html-text.ts";
import type { MessageSource } from "./section.ts";
import { type Part, parseMessage } from "./structure.ts";
import { decodeTransfer } from "./transfer-encoding.ts";

/** A string made ready to be looked for. */
export type Needle = string & { readonly brand: "Needle" };

export function needleOf(text: string): Needle {
  return fold(text) as Needle;
}

/** One message under several search keys: what one key decoded serves the next. */
export class SearchableMessage {
  readonly #source: MessageSource;
  #header: Header | undefined;
  #bodyTexts: readonly string[] | undefined;
  #mimeHeaders: readonly string[] | undefined;

  constructor(source: MessageSource) {
    this.#source = source;
  }

  /** The message's own header, decoded once: for Date, Message-ID and the like too. */
  get header(): Header {
    this.#header ??= parseHeader(this.#source.read(0, this.#source.headerSize));
    return this.#header;
  }

  /** SEARCH HEADER, FROM, SUBJECT …: an empty needle asks whether there is such a field at all. `name` in any case. */
  headerContains(name: string, needle: Needle): boolean {
    const lower = name.toLowerCase();
    return this.header.fields.some(
      (field) =>
        field.name === lower && (needle === "" || foldedValue(fieldValue(this.header, field)).includes(needle)),
    );
  }

  /** SEARCH BODY: texts and the headers of encapsulated messages, not the message's own header nor MIME headers. */
  bodyContains(needle: Needle): boolean {
    return this.#body().some((text) => text.includes(needle));
  }

  /** SEARCH TEXT: everything BODY looks at, the header, and the MIME headers of parts (file names). */
  textContains(needle: Needle): boolean {
    if (foldedHeader(this.header).includes(needle) || this.bodyContains(needle)) return true;
    return this.#mimeHeaders?.some((text) => text.includes(needle)) ?? false;
  }

  #body(): readonly string[] {
    if (!this.#bodyTexts) {
      const texts: string[] = [];
      const mimeHeaders: string[] = [];
      const bytes = this.#source.read(0, this.#source.size);
      collect(bytes, parseMessage(bytes), texts, mimeHeaders);
      this.#bodyTexts = texts;
      this.#mimeHeaders = mimeHeaders;
    }
    return this.#bodyTexts;
  }
}

function collect(bytes: Uint8Array, part: Part, texts: string[], mimeHeaders: string[]): void {
  if (part.kind === "message") {
    for (const child of part.children) {
      texts.push(foldedHeader(child.header));
      collect(bytes, child, texts, mimeHeaders);
    }
  } else if (part.kind === "multipart") {
    for (const child of part.children) {
      mimeHeaders.push(foldedHeader(child.header));
      collect(bytes, child, texts, mimeHeaders);
    }
  } else if (part.kind === "text" || part.contentType.type === "MESSAGE") {
    const body = bytes.subarray(part.bodyStart, part.bodyEnd);
    const charset = parameter(part.contentType.parameters, "CHARSET");
    const text = decodeText(decodeTransfer(body, part.encoding) ?? body, charset);
    texts.push(fold(text));
    if (part.contentType.subtype === "HTML") texts.push(fold(htmlText(text)));
  }
}

/** All fields, one a line. */
function foldedHeader(header: Header): string {
  return header.fields.map((field) => `${field.name}: ${foldedValue(fieldValue(header, field))}`).join("\n");
}

/** Blanks are alike in headers: folding turns them into one another. */
function foldedValue(value: string): string {
  return fold(decodeHeaderText(value).replace(/[ \t]+/g, " "));
}

/**
 * Case folding by mapping to upper and back to lower case, which makes "ß" and "SS" alike; composed and decomposed
 * characters too. The two lower-case sigmas, which depend on their place in the word, become one.
 */
function fold(text: string): string {
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  return text.normalize("NFC").toUpperCase().toLowerCase().replaceAll("ς", "σ");
}
