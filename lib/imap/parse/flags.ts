// Flags on the wire (RFC 9051 §2.3.2): read from STORE and APPEND, written in FETCH, FLAGS and PERMANENTFLAGS.

import { Bad } from "../../base/fault.ts";
import { Right, type Rights } from "../../mailbox/acl.ts";
import { type Flags, SystemFlags } from "../../mailbox/store.ts";
import type { Reader } from "../../wire/reader.ts";

/** In the order of our answers, which is Cyrus'. */
export const systemFlagNames: readonly (readonly [name: string, bit: number])[] = [
  ["\\Answered", SystemFlags.answered],
  ["\\Flagged", SystemFlags.flagged],
  ["\\Draft", SystemFlags.draft],
  ["\\Deleted", SystemFlags.deleted],
  ["\\Seen", SystemFlags.seen],
];

const bitOfName = new Map(systemFlagNames.map(([name, bit]) => [name.toLowerCase(), bit]));
export const allSystemFlags = systemFlagNames.reduce((bits, [, bit]) => bits | bit, 0);

const maxKeywordLength = 255;

/** "(" flags ")". */
export function readFlagList(reader: Reader): Flags {
  return gather(reader.list(() => readFlag(reader)));
}

/** A list, or flags separated by spaces as STORE allows them without parentheses. */
export function readFlags(reader: Reader): Flags {
  if (reader.peek() === "(") return readFlagList(reader);
  const names: string[] = [];
  do names.push(readFlag(reader));
  while (reader.skip(" "));
  return gather(names);
}

/** A keyword as SEARCH KEYWORD and STORE take it. */
export function readKeyword(reader: Reader): string {
  const name = reader.atom();
  if (name.length > maxKeywordLength) throw new Bad(`Keyword too long: at most ${maxKeywordLength} characters`);
  return name;
}

function readFlag(reader: Reader): string {
  return reader.skip("\\") ? `\\${reader.atom()}` : readKeyword(reader);
}

function gather(names: readonly string[]): Flags {
  let system = 0;
  const keywords = new Map<string, string>();
  for (const name of names) {
    if (!name.startsWith("\\")) {
      const folded = name.toLowerCase();
      if (!keywords.has(folded)) keywords.set(folded, name);
      continue;
    }
    const bit = bitOfName.get(name.toLowerCase());
    if (bit === undefined) throw new Bad(`Invalid system flag "${name}"`); // \Recent too: RFC 3501 §2.3.2
    system |= bit;
  }
  return { system, keywords: [...keywords.values()] };
}

/** System flags without keywords, by bits and \Recent: what most messages have, made once. */
const systemTexts = Array.from({ length: 2 * (allSystemFlags + 1) }, (_, index) => {
  const names = systemFlagNames.filter(([, bit]) => index & bit).map(([name]) => name);
  return (index > allSystemFlags ? ["\\Recent", ...names] : names).join(" ");
});

const systemLists = systemTexts.map((text) => `(${text})`);

/** "(\Recent \Seen $Label)". Hot path. */
export function formatFlags(flags: Flags, isRecent: boolean): string {
  const index = flags.system + (isRecent ? allSystemFlags + 1 : 0);
  if (flags.keywords.length === 0) return systemLists[index]!;
  const system = systemTexts[index]!;
  return `(${system}${system === "" ? "" : " "}${flags.keywords.join(" ")})`;
}

/** What PERMANENTFLAGS promises to a user with these rights (RFC 4314 §4). */
export function permanentFlags(rights: Rights, keywords: readonly string[]): string {
  const allowed = allowedSystemFlags(rights);
  const names = systemFlagNames.filter(([, bit]) => allowed & bit).map(([name]) => name);
  return (rights & Right.write ? [...names, ...keywords, "\\*"] : names).join(" ");
}

/** The system flags that a user with these rights may change: s \Seen, t \Deleted, w the others (RFC 4314 §4). */
export function allowedSystemFlags(rights: Rights): number {
  const { seen, deleted } = SystemFlags;
  return (
    (rights & Right.seen ? seen : 0) |
    (rights & Right.deleteMessage ? deleted : 0) |
    (rights & Right.write ? allSystemFlags & ~seen & ~deleted : 0)
  );
}

/** Those of the flags that a user with these rights may set. */
export function allowedFlags(flags: Flags, rights: Rights): Flags {
  return {
    system: flags.system & allowedSystemFlags(rights),
    keywords: rights & Right.write ? flags.keywords : [],
  };
}
