// The arguments of GETMETADATA (RFC 5464 §4.2): options, a mailbox or "" for the server, one entry or several. And those of
// GETANNOTATION, its forerunner: a mailbox, entries, attributes.

import { Bad } from "../../base/fault.ts";
import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";
import { readMailbox } from "./mailbox.ts";

/** How far below an entry others are wanted, too. */
export type MetadataDepth = 0 | 1 | "infinity";

export interface MetadataQuery {
  /** In lower case: they are not case-sensitive. */
  readonly entries: readonly string[];
  readonly depth: MetadataDepth;
  /** Longer values are left out. */
  readonly maxSize: number | undefined;
}

export interface GetMetadataArgs extends MetadataQuery {
  /** "" is the server. */
  readonly mailbox: ExternalName;
}

export interface GetAnnotationArgs {
  /** "" is the server. */
  readonly mailbox: ExternalName;
  readonly entries: readonly string[];
  /** In lower case. */
  readonly attributes: readonly string[];
}

interface Options {
  depth: MetadataDepth;
  maxSize: number | undefined;
}

/** Options may stand before the mailbox, as the RFC's grammar has them, or behind it, as its examples do. */
export function getMetadataArgs(reader: Reader): GetMetadataArgs {
  const options: Options = { depth: 0, maxSize: undefined };
  reader.space();
  if (reader.peek() === "(") readOptions(reader, options);
  const mailbox = readMailbox(reader);
  reader.space();
  if (reader.token(optionsAhead) !== undefined) readOptions(reader, options);
  const entries = readEntries(reader);
  reader.end();
  return { mailbox, entries, ...options };
}

const optionsAhead = /(?=\((?:MAXSIZE|DEPTH) )/iy;

function readOptions(reader: Reader, options: Options): void {
  reader.list(() => readOption(reader, options));
  reader.space();
}

function readOption(reader: Reader, options: Options): void {
  const name = reader.keyword();
  if (name !== "DEPTH" && name !== "MAXSIZE") throw new Bad(`Invalid GETMETADATA option "${name}"`);
  reader.space();
  if (name === "MAXSIZE") {
    options.maxSize = reader.number();
    return;
  }
  const depth = depths[reader.keyword()];
  if (depth === undefined) throw new Bad("DEPTH is 0, 1 or infinity");
  options.depth = depth;
}

const depths: Readonly<Record<string, MetadataDepth>> = { "0": 0, "1": 1, INFINITY: "infinity" };

/** entries of GETMETADATA, as LIST has them, too (RFC 9590). */
export function readMetadataQuery(reader: Reader): MetadataQuery {
  return { entries: readEntries(reader), depth: 0, maxSize: undefined };
}

function readEntries(reader: Reader): readonly string[] {
  const entries = readNames(reader);
  for (const entry of entries) if (!isEntryName(entry, false)) throw new Bad(`Invalid entry "${entry}"`);
  return [...new Set(entries)];
}

/** Entry names (RFC 5464 §3.2) in lower case; with `isWhole` they must name more than "/shared" or "/private". */
export function isEntryName(entry: string, isWhole: boolean): boolean {
  const isWellFormed = /^\/(?:shared|private)(?:\/[^/*%\x00-\x1f\x7f-\xff]+)*$/.test(entry);
  return isWellFormed && entry.length <= 1024 && !(isWhole && entry.indexOf("/", 1) < 0);
}

export function getAnnotationArgs(reader: Reader): GetAnnotationArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  reader.space();
  const entries = readNames(reader);
  reader.space();
  const attributes = readNames(reader);
  reader.end();
  return { mailbox, entries, attributes };
}

/** name, or "(" names ")" */
function readNames(reader: Reader): readonly string[] {
  const names = reader.peek() === "(" ? reader.list(() => reader.astring()) : [reader.astring()];
  return names.map((name) => name.toLowerCase());
}
