// SEARCH, UID SEARCH and ESEARCH: the client's words become a tree of keys (RFC 3501 §6.4.4, RFC 5182, RFC 7162 §3.1.5).

import { fromLatin1 } from "../../base/bytes.ts";
import { Bad, No } from "../../base/fault.ts";
import { SystemFlags } from "../../mailbox/store.ts";
import { decodeText } from "../../message/charset.ts";
import { legacyCharsets } from "../../message/legacy-charset.ts";
import { type Needle, needleOf } from "../../message/search-text.ts";
import { parseSearchDate } from "../../wire/date.ts";
import type { Reader } from "../../wire/reader.ts";
import { allOf, type DateComparison, eitherOf, type SearchKey } from "../search/key.ts";
import { readKeyword } from "./flags.ts";
import { readModSeq } from "./modseq.ts";
import type { SearchReturn } from "./search-return.ts";
import { readNumberSet } from "./sequence.ts";

/** Parentheses, NOT and OR inside one another. */
const maxDepth = 100;
const maxKeys = 10_000;

export interface SearchArgs {
  /** Undefined: answered by SEARCH and not by ESEARCH. */
  readonly returns: SearchReturn | undefined;
  readonly key: SearchKey;
}

/** A character set, if it is said, and the keys. Nothing may follow. */
export function readProgram(reader: Reader): SearchKey {
  let charset = "US-ASCII";
  if (reader.peekKeyword() === "CHARSET") {
    reader.atom();
    reader.space();
    charset = reader.astring();
    if (!isKnownCharset(charset)) throw new No("BADCHARSET (US-ASCII UTF-8)", `Unknown character set "${charset}"`);
    reader.space();
  }
  const key = new KeyReader(reader, charset).keys();
  reader.end();
  return key;
}

class KeyReader {
  readonly #reader: Reader;
  readonly #charset: string;
  #depth = 0;
  #count = 0;

  constructor(reader: Reader, charset: string) {
    this.#reader = reader;
    this.#charset = charset;
  }

  /** Keys separated by spaces: all must hold. */
  keys(): SearchKey {
    const keys: SearchKey[] = [];
    do keys.push(this.key());
    while (this.#reader.skip(" "));
    return allOf(keys);
  }

  key(): SearchKey {
    const reader = this.#reader;
    if (++this.#count > maxKeys) throw new Bad(`Too many search keys: at most ${maxKeys}`);
    if (reader.skip("(")) {
      const key = this.#deeper(() => this.keys());
      reader.expect(")");
      return key;
    }
    if (/[\d*]/.test(reader.peek())) return { kind: "numbers", set: readNumberSet(reader) };
    if (reader.skip("$")) return { kind: "saved" };
    const name = reader.keyword();
    const read = Object.hasOwn(keyReaders, name) ? keyReaders[name] : undefined;
    if (!read) throw new Bad(`Unknown search key "${name}"`);
    return read(this);
  }

  /** The key that another one is about. */
  inner(): SearchKey {
    this.#reader.space();
    return this.#deeper(() => this.key());
  }

  needle(): Needle {
    this.#reader.space();
    return needleOf(decodeText(fromLatin1(this.#reader.astring()), this.#charset));
  }

  fieldName(): string {
    this.#reader.space();
    return this.#reader.astring();
  }

  keyword(): string {
    this.#reader.space();
    return readKeyword(this.#reader).toLowerCase();
  }

  octets(): number {
    this.#reader.space();
    return this.#reader.number();
  }

  day(): number {
    this.#reader.space();
    const text = this.#reader.astring();
    const day = parseSearchDate(text);
    if (day === undefined) throw new Bad(`Invalid date "${text}"`);
    return day;
  }

  uids(): SearchKey {
    this.#reader.space();
    if (this.#reader.skip("$")) return { kind: "saved" };
    return { kind: "uids", set: readNumberSet(this.#reader) };
  }

  /** Of what the MODSEQ is asked is passed over: a message has but one (RFC 7162 §3.1.5). */
  modSeq(): number {
    const reader = this.#reader;
    reader.space();
    if (reader.peek() === '"') {
      reader.string();
      reader.space();
      const type = reader.keyword();
      if (!["PRIV", "SHARED", "ALL"].includes(type)) throw new Bad(`Unknown type of entry "${type}"`);
      reader.space();
    }
    return readModSeq(reader);
  }

  #deeper(read: () => SearchKey): SearchKey {
    if (++this.#depth > maxDepth) throw new Bad(`Search keys nested too deep: at most ${maxDepth} levels`);
    const key = read();
    this.#depth -= 1;
    return key;
  }
}

const { answered, deleted, draft, flagged, seen } = SystemFlags;
const unseen: SearchKey = { kind: "not", key: { kind: "flag", bit: seen } };

const keyReaders: Readonly<Record<string, (reader: KeyReader) => SearchKey>> = {
  ALL: () => ({ kind: "all" }),
  ANSWERED: () => ({ kind: "flag", bit: answered }),
  BCC: (reader) => header("bcc", reader),
  BEFORE: (reader) => date("internal", "before", reader),
  BODY: (reader) => ({ kind: "body", needle: reader.needle() }),
  CC: (reader) => header("cc", reader),
  DELETED: () => ({ kind: "flag", bit: deleted }),
  DRAFT: () => ({ kind: "flag", bit: draft }),
  FLAGGED: () => ({ kind: "flag", bit: flagged }),
  FROM: (reader) => header("from", reader),
  HEADER: (reader) => header(reader.fieldName(), reader),
  KEYWORD: (reader) => ({ kind: "keyword", name: reader.keyword() }),
  LARGER: (reader) => ({ kind: "larger", octets: reader.octets() }),
  MODSEQ: (reader) => ({ kind: "modseq", lowest: reader.modSeq() }),
  NEW: () => allOf([{ kind: "recent" }, unseen]),
  NOT: (reader) => ({ kind: "not", key: reader.inner() }),
  OLD: () => ({ kind: "not", key: { kind: "recent" } }),
  ON: (reader) => date("internal", "on", reader),
  OR: (reader) => eitherOf(reader.inner(), reader.inner()),
  RECENT: () => ({ kind: "recent" }),
  SEEN: () => ({ kind: "flag", bit: seen }),
  SENTBEFORE: (reader) => date("sent", "before", reader),
  SENTON: (reader) => date("sent", "on", reader),
  SENTSINCE: (reader) => date("sent", "since", reader),
  SINCE: (reader) => date("internal", "since", reader),
  SMALLER: (reader) => ({ kind: "smaller", octets: reader.octets() }),
  SUBJECT: (reader) => header("subject", reader),
  TEXT: (reader) => ({ kind: "text", needle: reader.needle() }),
  TO: (reader) => header("to", reader),
  UID: (reader) => reader.uids(),
  UNANSWERED: () => ({ kind: "not", key: { kind: "flag", bit: answered } }),
  UNDELETED: () => ({ kind: "not", key: { kind: "flag", bit: deleted } }),
  UNDRAFT: () => ({ kind: "not", key: { kind: "flag", bit: draft } }),
  UNFLAGGED: () => ({ kind: "not", key: { kind: "flag", bit: flagged } }),
  UNKEYWORD: (reader) => ({ kind: "not", key: { kind: "keyword", name: reader.keyword() } }),
  UNSEEN: () => unseen,
};

function header(name: string, reader: KeyReader): SearchKey {
  return { kind: "header", name, needle: reader.needle() };
}

function date(kind: "internal" | "sent", comparison: DateComparison, reader: KeyReader): SearchKey {
  return { kind, comparison, day: reader.day() };
}

function isKnownCharset(name: string): boolean {
  const lower = name.toLowerCase();
  if (lower === "us-ascii" || Object.hasOwn(legacyCharsets, lower)) return true;
  try {
    return new TextDecoder(lower as Bun.Encoding) !== undefined; // any name: an unknown one throws
  } catch {
    return false;
  }
}
