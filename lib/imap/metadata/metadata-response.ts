// The METADATA response (RFC 5464 §4.4.1), both ways.

import type { UntaggedResponse } from "../../mailbox/place.ts";
import { Reader } from "../../wire/reader.ts";
import { formatAstring, formatNstring, formatQuoted } from "../../wire/writer.ts";

export type EntryPair = readonly [entry: string, value: string | undefined];

/** Without "* "; `external` is "" for the server. */
export function formatMetadata(external: string, pairs: readonly EntryPair[]): string {
  const texts = pairs.map(([entry, value]) => `${formatQuoted(entry)} ${formatValue(value)}`);
  return `METADATA ${external === "" ? '""' : formatAstring(external)} (${texts.join(" ")})`;
}

/** A value with NUL needs a literal8 (RFC 3516). */
function formatValue(value: string | undefined): string {
  return value?.includes("\0") ? `~{${value.length}}\r\n${value}` : formatNstring(value);
}

/** Undefined for every other response, and for the form without values. */
export function readMetadata({ frame }: UntaggedResponse): readonly EntryPair[] | undefined {
  const reader = new Reader(frame);
  if (reader.peekKeyword() !== "METADATA") return undefined;
  reader.keyword();
  reader.space();
  reader.astring();
  reader.space();
  if (reader.peek() !== "(") return undefined;
  return reader.list(() => {
    const entry = reader.astring().toLowerCase();
    reader.space();
    return [entry, reader.nstring()] as const;
  });
}

export interface ChangedEntries {
  /** "" is the server. */
  readonly external: string;
  readonly entries: readonly string[];
}

/** The form without values (RFC 5464 §4.4.2), without "* ". */
export function formatChangedEntries({ external, entries }: ChangedEntries): string {
  return `METADATA ${external === "" ? '""' : formatAstring(external)} ${entries.map(formatAstring).join(" ")}`;
}

/** What a METADATA response that nobody asked for says has changed, with or without values; undefined for others. */
export function readChangedEntries(response: UntaggedResponse): ChangedEntries | undefined {
  const reader = new Reader(response.frame);
  if (reader.peekKeyword() !== "METADATA") return undefined;
  reader.keyword();
  reader.space();
  const external = reader.astring();
  const withValues = readMetadata(response);
  if (withValues) return { external, entries: withValues.map(([entry]) => entry) };
  const entries: string[] = [];
  while (reader.skip(" ")) entries.push(reader.astring().toLowerCase());
  return { external, entries };
}
