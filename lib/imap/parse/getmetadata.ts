// The arguments of GETMETADATA (RFC 5464 §4.2): options, a mailbox or "" for the server, one entry or several. And those of
// GETANNOTATION, its forerunner: a mailbox, entries, attributes.

import { Bad } from "../../base/fault.ts";
import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";
import { readMailbox } from "./mailbox.ts";

export interface GetMetadataArgs {
  /** "" is the server. */
  readonly mailbox: ExternalName;
  /** In lower case: they are not case-sensitive. */
  readonly entries: readonly string[];
}

export interface GetAnnotationArgs extends GetMetadataArgs {
  /** In lower case. */
  readonly attributes: readonly string[];
}

export function getMetadataArgs(reader: Reader): GetMetadataArgs {
  reader.space();
  if (reader.peek() === "(") {
    reader.list(() => skipOption(reader));
    reader.space();
  }
  const mailbox = readMailbox(reader);
  const entries = readNames(reader);
  reader.end();
  return { mailbox, entries };
}

export function getAnnotationArgs(reader: Reader): GetAnnotationArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  const entries = readNames(reader);
  const attributes = readNames(reader);
  reader.end();
  return { mailbox, entries, attributes };
}

/** SP name, or SP "(" names ")" */
function readNames(reader: Reader): readonly string[] {
  reader.space();
  const names = reader.peek() === "(" ? reader.list(() => reader.astring()) : [reader.astring()];
  return names.map((name) => name.toLowerCase());
}

/** They ask for less of long values, or for more than the entries named: both may be had in several commands. */
function skipOption(reader: Reader): void {
  const name = reader.keyword();
  if (name !== "DEPTH" && name !== "MAXSIZE") throw new Bad(`Invalid GETMETADATA option "${name}"`);
  reader.space();
  reader.atom();
}
