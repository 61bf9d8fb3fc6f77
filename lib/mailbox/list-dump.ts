// The mailbox list as text, in the JSON of Cyrus' ctl_mboxlist -d: one mailbox a line, in name order, with every key that Cyrus
// 3.6 wants when it loads the dump. list-dump-reader.ts reads it back; list-dump-text.ts knows the older form.
//
// We keep no times and no MODSEQs here: they are written as "0", which Cyrus takes for unknown. mtime Cyrus never reads.

import { createHash } from "node:crypto";
import type { Acl } from "./acl.ts";
import type { MailboxEntry, MailboxState } from "./list.ts";

/** The letters that the value of `mbtype` has besides that of the type. */
export const stateLetters: Readonly<Record<MailboxState, string>> = {
  active: "",
  reserved: "z",
  moving: "m",
  deleted: "d",
};

/** The dump line by line; the lines joined are one JSON object. */
export function* dumpLines(entries: Iterable<MailboxEntry>): Generator<string> {
  let separator = "{\n";
  for (const entry of entries) {
    yield `${separator}${JSON.stringify(entry.name)}: ${dumpOf(entry)}`;
    separator = ",\n";
  }
  yield separator === "{\n" ? "{\n\n}\n" : "\n}\n";
}

/** Identifiers and rights, letter by letter as they are stored. A lone identifier is passed over. */
export function storedPairs(acl: Acl): readonly (readonly [identifier: string, rights: string])[] {
  const fields = acl.split("\t");
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) if (fields[at] !== "") pairs.push([fields[at]!, fields[at + 1]!]);
  return pairs;
}

function dumpOf(entry: MailboxEntry): string {
  const keys = [
    member("name", entry.name),
    member("mtime", "0"),
    member("uidvalidity", String(entry.uidValidity)),
    member("createdmodseq", "0"),
    member("foldermodseq", "0"),
    member("mbtype", typeOf(entry)),
    member("partition", entry.partition),
  ];
  if (entry.server !== "") keys.push(member("server", entry.server));
  const acl = storedPairs(entry.acl).map(([identifier, rights]) => member(identifier, rights));
  keys.push(`"acl": {${acl.join(", ")}}`, member("uniqueid", entry.uniqueId || standInId(entry)), '"name_history": []');
  return `{${keys.join(", ")}}`;
}

/** A mailbox that moves is still here, although it has a server: where it goes. */
function typeOf({ server, state }: MailboxEntry): string {
  return `e${stateLetters[state]}${server !== "" && state !== "moving" ? "r" : ""}`;
}

/** Cyrus passes over what has no unique id, and mailboxes of other servers have none: one that is always the same. */
function standInId({ name, server }: MailboxEntry): string {
  return createHash("sha256").update(`${server}!${name}`).digest("hex").slice(0, 24);
}

function member(key: string, value: string): string {
  return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
}
