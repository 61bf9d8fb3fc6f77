// Access control lists (RFC 4314) as Cyrus writes them: "id TAB rights TAB id TAB rights TAB". Rights are bits; the
// obsolete letters c and d (RFC 4314 §2.1.1) stand for k+x and t+e, and are shown beside any of these: in what a server
// wrote they therefore say nothing beside a member, in what a client asks they always stand for all members.

import { Bad, No } from "../base/fault.ts";

/** The stored text form. */
export type Acl = string & { readonly brand: "Acl" };

/** A set of rights as bits: see `Right`. */
export type Rights = number & { readonly brand: "Rights" };

/** Letters in the order Cyrus writes them. */
const orderedLetters = "lrswipkxte" + "an" + "0123456789";

/** The bit of each right. */
export const Right = {
  lookup: 1 << 0,
  read: 1 << 1,
  seen: 1 << 2,
  write: 1 << 3,
  insert: 1 << 4,
  post: 1 << 5,
  createChild: 1 << 6,
  deleteMailbox: 1 << 7,
  deleteMessage: 1 << 8,
  expunge: 1 << 9,
  admin: 1 << 10,
  annotate: 1 << 11,
} as const;

const bitOfLetter = new Map<string, number>([...orderedLetters].map((letter, index) => [letter, 1 << index]));
const unionC = Right.createChild | Right.deleteMailbox;
const unionD = Right.deleteMessage | Right.expunge;
// The obsolete letters have bits of their own until the whole text is read.
const obsoleteC = 1 << 24;
const obsoleteD = 1 << 25;
bitOfLetter.set("c", obsoleteC);
bitOfLetter.set("d", obsoleteD);

const bitsByCode = new Uint32Array(256);
for (const [letter, bits] of bitOfLetter) bitsByCode[letter.charCodeAt(0)] = bits;

/**
 * The bits of the stored rights in text[start, stop); letters that are no rights are passed over. Fast: LIST asks it for
 * every ACL.
 */
export function readStoredRights(text: string, start: number, stop: number): number {
  let bits = 0;
  for (let at = start; at < stop; at++) bits |= bitsByCode[text.charCodeAt(at)] ?? 0;
  return bits < obsoleteC ? bits : withoutTies(bits);
}

export const noRights = 0 as Rights;
export const emptyAcl = "" as Acl;

/** Reads what `formatRights` writes: c and d count only where no member of theirs is. Throws Bad for other letters. */
export function parseRights(text: string): Rights {
  return withoutTies(parseLetters(text)) as Rights;
}

function parseLetters(text: string): number {
  let bits = 0;
  for (const letter of text) {
    const bit = bitOfLetter.get(letter);
    if (bit === undefined) throw new Bad(`The ${letter} right is not supported`);
    bits |= bit;
  }
  return bits;
}

function withoutTies(bits: number): number {
  const c = bits & obsoleteC && !(bits & unionC) ? unionC : 0;
  const d = bits & obsoleteD && !(bits & unionD) ? unionD : 0;
  return (bits & ~(obsoleteC | obsoleteD)) | c | d;
}

/** A client's c and d stand for every member, whatever else is there: a MUST of RFC 4314 §2.1.1. */
function withAllMembers(bits: number): number {
  const c = bits & obsoleteC ? unionC : 0;
  const d = bits & obsoleteD ? unionD : 0;
  return (bits & ~(obsoleteC | obsoleteD)) | c | d;
}

/** "lrswipkxtecdan" for everything but the digits. */
export function formatRights(rights: Rights): string {
  let text = "";
  for (let index = 0; index < orderedLetters.length; index++) {
    if (index === 10) text += (rights & unionC ? "c" : "") + (rights & unionD ? "d" : "");
    if (rights & (1 << index)) text += orderedLetters[index];
  }
  return text;
}

/** What a new user's INBOX gives its owner. */
export const ownerRights = parseRights("lrswipkxtean");

export function hasRight(rights: Rights, right: number): boolean {
  return (rights & right) === right;
}

export interface AclEntry {
  /** With a leading "-" a negative entry. */
  readonly identifier: string;
  readonly rights: Rights;
}

/** Entries in their order. What is malformed in a stored text (unknown letters, a lone identifier) is passed over. */
export function parseAcl(acl: Acl): readonly AclEntry[] {
  const fields = acl.split("\t");
  const entries: AclEntry[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    if (fields[index] !== "") entries.push({ identifier: fields[index]!, rights: storedRights(fields[index + 1]!) });
  }
  return entries;
}

export function formatAcl(entries: readonly AclEntry[]): Acl {
  let text = "";
  for (const { identifier, rights } of entries) {
    if (rights !== 0) text += `${identifier}\t${formatRights(rights)}\t`;
  }
  return text as Acl;
}

/** Reads an ACL from outside (MUPDATE) into our form; undefined when it is none. An odd number of fields is none. */
export function readAcl(text: string): Acl | undefined {
  if (/[\r\n\0]/.test(text)) return undefined;
  const fields = text.split("\t");
  if (fields.at(-1) === "") fields.pop();
  return fields.length % 2 === 0 ? formatAcl(parseAcl(`${fields.join("\t")}\t` as Acl)) : undefined;
}

/** The ACL of the option `defaultacl`: identifiers and rights separated by blanks, "anyone lrs". */
export function parseDefaultAcl(text: string): Acl {
  return readAcl(text.trim().split(/\s+/).join("\t")) ?? emptyAcl;
}

/** Identifiers that are given the right to look a mailbox up: the keys of the reverse index. */
export function lookupIdentifiers(acl: Acl): readonly string[] {
  const found: string[] = [];
  for (let start = 0; start < acl.length; ) {
    const tab = acl.indexOf("\t", start);
    if (tab < 0) break;
    const next = acl.indexOf("\t", tab + 1);
    const end = next < 0 ? acl.length : next;
    const lookup = acl.indexOf("l", tab + 1);
    if (acl[start] !== "-" && lookup >= 0 && lookup < end) found.push(acl.slice(start, tab));
    start = end + 1;
  }
  return found;
}

export interface RightsChange {
  readonly mode: "replace" | "add" | "remove";
  readonly rights: Rights;
}

/** SETACL's third argument: rights with an optional "+" or "-" in front (RFC 4314 §3.1). Throws Bad. */
export function parseRightsChange(text: string): RightsChange {
  const mode = text.startsWith("+") ? "add" : text.startsWith("-") ? "remove" : "replace";
  return { mode, rights: withAllMembers(parseLetters(mode === "replace" ? text : text.slice(1))) as Rights };
}

/** The ACL with one identifier's entry changed; an entry without rights goes away. */
export function modifyAcl(acl: Acl, identifier: string, { mode, rights }: RightsChange): Acl {
  const entries = [...parseAcl(acl)];
  const at = entries.findIndex((entry) => entry.identifier === identifier);
  const before = at < 0 ? 0 : entries[at]!.rights;
  const after = (mode === "replace" ? rights : mode === "add" ? before | rights : before & ~rights) as Rights;
  if (at < 0) entries.push({ identifier, rights: after });
  else entries[at] = { identifier, rights: after };
  return formatAcl(entries);
}

/** The ACL with `from` called `to`: a user gets another name. */
export function renameIdentifier(acl: Acl, from: string, to: string): Acl {
  const renamed = (identifier: string) =>
    identifier === from ? to : identifier === `-${from}` ? `-${to}` : identifier;
  return formatAcl(parseAcl(acl).map((entry) => ({ ...entry, identifier: renamed(entry.identifier) })));
}

export interface IdentifierSettings {
  readonly username_tolower: boolean;
  readonly defaultdomain: string;
}

/** An ACL identifier in the form it is stored, with its "-". Throws No for what can be none. */
export function canonicalIdentifier(text: string, settings: IdentifierSettings): string {
  const sign = text.startsWith("-") ? "-" : "";
  const bare = text.slice(sign.length);
  if (bare === "" || /[\x00-\x1f\x7f]/.test(bare)) throw new No("CANNOT", "Invalid identifier");
  if (/^(anyone|anybody)$/i.test(bare)) return `${sign}anyone`;
  if (/^anonymous$/i.test(bare)) return `${sign}anonymous`;
  if (bare.startsWith("group:")) return sign + bare;
  const folded = settings.username_tolower ? bare.toLowerCase() : bare;
  const suffix = `@${settings.defaultdomain}`;
  const isLocal = settings.defaultdomain !== "" && folded.endsWith(suffix) && folded.length > suffix.length;
  return sign + (isLocal ? folded.slice(0, -suffix.length) : folded);
}

function storedRights(text: string): Rights {
  return readStoredRights(text, 0, text.length) as Rights;
}
