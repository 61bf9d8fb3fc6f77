// FETCH and UID FETCH: what is asked for (RFC 3501 §6.4.5). Items are kept in the client's order, macros spelled out.

import { Bad } from "../../base/fault.ts";
import { parseSection, type Section } from "../../message/section.ts";
import type { Reader } from "../../wire/reader.ts";
import type { SequenceSet } from "../../wire/sequence-set.ts";
import { formatAstring } from "../../wire/writer.ts";
import { type FetchModifiers, readFetchModifiers } from "./fetch-modifiers.ts";
import { readSequenceSet } from "./sequence.ts";

/** Octets of a section, or some of them. */
export interface SectionItem {
  readonly kind: "section";
  readonly section: Section;
  readonly offset: number;
  readonly length: number;
  /** How the answer names it: `BODY[TEXT]<0>`, `RFC822`. */
  readonly label: string;
  /** BODY[…] does, BODY.PEEK[…] and RFC822.HEADER do not. */
  readonly setsSeen: boolean;
}

export type FetchItem =
  | { readonly kind: "flags" | "uid" | "internaldate" | "size" | "envelope" | "bodystructure" | "body" | "modseq" }
  | SectionItem;

export interface FetchArgs {
  readonly set: SequenceSet;
  readonly items: readonly FetchItem[];
  readonly modifiers: FetchModifiers;
}

const flags: FetchItem = { kind: "flags" };
const uid: FetchItem = { kind: "uid" };
const internalDate: FetchItem = { kind: "internaldate" };
const size: FetchItem = { kind: "size" };
const envelope: FetchItem = { kind: "envelope" };
const body: FetchItem = { kind: "body" };
const modSeq: FetchItem = { kind: "modseq" };
/** What QRESYNC tells of a message that has changed (RFC 7162 §3.2.5.1), as far as it is not told anyway. */
export const changedItems: readonly FetchItem[] = [uid, flags, modSeq];

const macros = new Map<string, readonly FetchItem[]>([
  ["ALL", [flags, internalDate, size, envelope]],
  ["FAST", [flags, internalDate, size]],
  ["FULL", [flags, internalDate, size, envelope, body]],
]);

const plainItems = new Map<string, FetchItem>([
  ["FLAGS", flags],
  ["UID", uid],
  ["MODSEQ", modSeq],
  ["INTERNALDATE", internalDate],
  ["RFC822.SIZE", size],
  ["ENVELOPE", envelope],
  ["BODY", body],
  ["BODYSTRUCTURE", { kind: "bodystructure" }],
  ["RFC822", sectionItem("RFC822", "all", true)],
  ["RFC822.HEADER", sectionItem("RFC822.HEADER", "header", false)],
  ["RFC822.TEXT", sectionItem("RFC822.TEXT", "text", true)],
]);

function sectionItem(label: string, what: Section["what"], setsSeen: boolean): SectionItem {
  const section: Section = { path: [], what, fields: [] };
  return { kind: "section", section, offset: 0, length: Number.MAX_SAFE_INTEGER, label, setsSeen };
}

const maxItems = 1000;

export function readFetch(reader: Reader): FetchArgs {
  reader.space();
  const set = readSequenceSet(reader);
  reader.space();
  const items = readFetchItems(reader);
  const modifiers = readFetchModifiers(reader);
  reader.end();
  return { set, items, modifiers };
}

/** The items that are told: CHANGEDSINCE asks for MODSEQ as well (RFC 7162 §3.1.4.1). */
export function itemsOf({ items, modifiers }: FetchArgs): readonly FetchItem[] {
  return modifiers.changedSince === undefined || asksForItem(items) ? items : [...items, modSeq];
}

/** Whether it is a command of a client that understands MODSEQs (§3.1). */
export function asksForModSeqs({ items, modifiers }: FetchArgs): boolean {
  return modifiers.changedSince !== undefined || asksForItem(items);
}

function asksForItem(items: readonly FetchItem[]): boolean {
  return items.some(({ kind }) => kind === "modseq");
}

/** Also what NOTIFY wants to hear of new messages (RFC 5465 §5.2). */
export function readFetchItems(reader: Reader): readonly FetchItem[] {
  if (reader.peek() !== "(") {
    const macro = macros.get(reader.peekKeyword());
    if (!macro) return [readItem(reader)];
    reader.atom();
    return macro;
  }
  const items = reader.list(() => readItem(reader));
  if (items.length === 0) throw new Bad("Missing required argument");
  if (items.length > maxItems) throw new Bad(`Too many items to fetch: at most ${maxItems}`);
  return items;
}

const itemName = /[A-Za-z0-9.]+/y;
const sectionSpec = /[A-Za-z0-9.]*/y;
const partialSpec = /<\d{1,15}\.\d{1,15}>/y;

function readItem(reader: Reader): FetchItem {
  const name = reader.token(itemName)?.toUpperCase() ?? "";
  if (reader.skip("[")) {
    if (name === "BODY") return readSection(reader, true);
    if (name === "BODY.PEEK") return readSection(reader, false);
    throw new Bad(`Invalid section in "${name}"`);
  }
  const item = plainItems.get(name);
  if (!item) throw new Bad(name === "" ? "Invalid item to fetch" : `Unknown item to fetch "${name}"`);
  return item;
}

function readSection(reader: Reader, setsSeen: boolean): SectionItem {
  const spec = reader.token(sectionSpec) ?? "";
  const fields = reader.skip(" ") ? reader.list(() => reader.astring()) : [];
  reader.expect("]");
  const section = parseSection(spec, fields);
  if (!section) throw new Bad(`Invalid section "${spec}"`);
  const list = fields.length > 0 ? ` (${fields.map(formatAstring).join(" ")})` : "";
  const label = `BODY[${spec.toUpperCase()}${list}]`;
  const partial = reader.token(partialSpec);
  if (partial === undefined) {
    return { kind: "section", section, offset: 0, length: Number.MAX_SAFE_INTEGER, label, setsSeen };
  }
  const [offset = 0, length = 0] = partial.slice(1, -1).split(".").map(Number);
  if (length === 0) throw new Bad("Invalid partial: the number of octets is zero");
  return { kind: "section", section, offset, length, label: `${label}<${offset}>`, setsSeen };
}
