// Mailbox names. Inside, one form: "." separates levels, "user.bovik.Lists", with virtual domains
// "example.org!user.bovik", a dot within a level is "^", characters outside ASCII are modified UTF-7 (RFC 3501 §5.1.3).
// Outside, what clients see depends on the namespace options: see namespace.ts. Names sort by their bytes everywhere.

import { No } from "../base/fault.ts";

/** Internal form, valid. */
export type MailboxName = string & { readonly brand: "MailboxName" };

/** The form of one client: INBOX, altnamespace, its hierarchy separator. As on the wire: modified UTF-7. */
export type ExternalName = string & { readonly brand: "ExternalName" };

/** No name that exists anywhere is longer. */
const maxNameLength = 1024;
/** Longer names are not created: room is left for the prefix and the time of a delayed delete. */
export const maxNewNameLength = 490;
export const defaultDeletedPrefix = "DELETED";

/**
 * The name, when it has the structure of one: printable ASCII without "/", no empty level, at most one domain. Names of other
 * servers pass that could not be created here. Undefined otherwise.
 */
export function parseMailboxName(text: string): MailboxName | undefined {
  if (text.length === 0 || text.length > maxNameLength || !/^[\x20-.0-\x7e]+$/.test(text)) return undefined;
  const bang = text.indexOf("!");
  if (bang === 0 || text.indexOf("!", bang + 1) >= 0) return undefined;
  const local = text.slice(bang + 1);
  if (local === "" || local.startsWith(".") || local.endsWith(".") || local.includes("..")) return undefined;
  return text as MailboxName;
}

/** The name, or No("CANNOT"). */
export function requireMailboxName(text: string): MailboxName {
  const name = parseMailboxName(text);
  if (name === undefined) throw new No("CANNOT", "Invalid mailbox name");
  return name;
}

// Characters of a name besides modified UTF-7: no wildcards, quotes, slashes, pipes or other shell and IMAP specials.
const newComponent = /^[ #$'()*+,\-0-9:=?@A-Z[\]^_a-z~&]+$/;
const utf7Shift = /&([^-]*)-/g;
const bannedUsers = /^(anyone|anybody|anonymous|%.*|)$/;

/** Why a mailbox of this name may not be created; undefined when it may. Names of delayed deletes are not checked. */
export function whyNotCreatable(name: MailboxName, deletedPrefix = defaultDeletedPrefix): string | undefined {
  if (isDeletedName(name, deletedPrefix)) return undefined;
  const local = localPartOf(name);
  if (name.length > maxNewNameLength) return `is longer than ${maxNewNameLength} characters`;
  if (/^[$~]/.test(local)) return `starts with "${local[0]}"`;
  const levels = local.split(".");
  if (levels[0] === "user" && bannedUsers.test(levels[1] ?? "")) return "names no user";
  if (/^inbox$/i.test(levels[0]!)) return "is reserved";
  if (levels[0] === "user" && /^inbox$/i.test(levels[2] ?? "")) return "hides INBOX";
  for (const level of levels) {
    if (!newComponent.test(level) || /[*%]/.test(level)) return "has characters that are not allowed";
    if (!isModifiedUtf7(level)) return "is not modified UTF-7";
  }
  return undefined;
}

/** Whether every shift sequence decodes to UTF-16 that had to be encoded (RFC 3501 §5.1.3). */
export function isModifiedUtf7(text: string): boolean {
  if (!text.includes("&")) return true;
  if (/&/.test(text.replace(utf7Shift, ""))) return false;
  for (const [, encoded] of text.matchAll(utf7Shift)) {
    if (encoded === "") continue; // "&-" is an ampersand
    if (!/^[A-Za-z0-9+,]+$/.test(encoded!)) return false;
    const bytes = Buffer.from(encoded!.replaceAll(",", "/"), "base64");
    if (bytes.length === 0 || bytes.length % 2 === 1) return false;
    if (bytes.toString("base64").replace(/=+$/, "").replaceAll("/", ",") !== encoded) return false;
    const decoded = bytes.swap16().toString("utf16le");
    if (/[\x20-\x7e]/.test(decoded) || !decoded.isWellFormed() || decoded.includes("\0")) return false;
  }
  return !/&[^-]+-&[^-]+-/.test(text); // a shift that ends and starts again at once has a shorter form
}

/** "example.org" of "example.org!user.bovik"; empty without a domain. */
export function domainOf(name: MailboxName): string {
  const bang = name.indexOf("!");
  return bang < 0 ? "" : name.slice(0, bang);
}

/** The name without its domain. */
export function localPartOf(name: MailboxName): string {
  return name.slice(name.indexOf("!") + 1);
}

/** The name one level up, which need not exist as a mailbox; undefined at the top. */
export function parentOf(name: MailboxName): MailboxName | undefined {
  const dot = name.lastIndexOf(".");
  return dot <= name.indexOf("!") ? undefined : (name.slice(0, dot) as MailboxName);
}

/** Names above, nearest first. */
export function ancestorsOf(name: MailboxName): readonly MailboxName[] {
  const ancestors: MailboxName[] = [];
  for (let up = parentOf(name); up !== undefined; up = parentOf(up)) ancestors.push(up);
  return ancestors;
}

/** Whether `name` is below `ancestor`, at any depth. */
export function isBelow(name: MailboxName, ancestor: MailboxName): boolean {
  return name.startsWith(`${ancestor}.`);
}

/** `name`, which is `from` or below it, with `to` in place of `from`. */
export function rebase(name: MailboxName, from: MailboxName, to: MailboxName): MailboxName {
  return requireMailboxName(to + name.slice(from.length));
}

/** The user whose personal namespace holds the mailbox: "a.b" of "user.a^b.x", "a@example.org" of "example.org!user.a". */
export function ownerOf(name: MailboxName): string | undefined {
  const start = name.indexOf("!") + 1;
  if (!name.startsWith("user.", start)) return undefined;
  const end = name.indexOf(".", start + 5);
  const user = name.slice(start + 5, end < 0 ? undefined : end).replaceAll("^", ".");
  return start > 0 ? `${user}@${name.slice(0, start - 1)}` : user;
}

/** The top of the personal namespace that the name is in: "user.ann" of "user.ann.work". */
export function userTopOf(name: MailboxName): MailboxName | undefined {
  const start = name.indexOf("!") + 1;
  if (!name.startsWith("user.", start)) return undefined;
  const end = name.indexOf(".", start + 5);
  return end < 0 ? name : (name.slice(0, end) as MailboxName);
}

/** Whether this is some user's INBOX. */
export function isInbox(name: MailboxName): boolean {
  return userTopOf(name) === name;
}

/** The INBOX of a canonical user id. With virtual domains "@" splits off the domain. Throws No("CANNOT") on odd ids. */
export function inboxOf(user: string, hasVirtualDomains = false): MailboxName {
  const at = hasVirtualDomains ? user.lastIndexOf("@") : -1;
  const local = at < 0 ? user : user.slice(0, at);
  const domain = at < 0 ? "" : `${user.slice(at + 1)}!`;
  if (local === "" || /[!/^]/.test(local)) throw new No("CANNOT", "Invalid mailbox name");
  return requireMailboxName(`${domain}user.${local.replaceAll(".", "^")}`);
}

/** Whether the mailbox was deleted and is kept for a while. */
export function isDeletedName(name: MailboxName, deletedPrefix = defaultDeletedPrefix): boolean {
  return name.startsWith(`${deletedPrefix}.`, name.indexOf("!") + 1);
}

/** Where a delayed delete puts a mailbox: "DELETED.user.joe.sub.65A1B2C3", the domain stays in front. */
export function deletedNameOf(name: MailboxName, atMs: number, deletedPrefix = defaultDeletedPrefix): MailboxName {
  const start = name.indexOf("!") + 1;
  const time = Math.floor(atMs / 1000)
    .toString(16)
    .toUpperCase()
    .padStart(8, "0");
  return requireMailboxName(`${name.slice(0, start)}${deletedPrefix}.${name.slice(start)}.${time}`);
}

const quarantineLevel = "QUARANTINE";

/** Whether the mailbox lost its name to another server and is kept until an administrator decides. */
export function isQuarantinedName(name: MailboxName, deletedPrefix = defaultDeletedPrefix): boolean {
  return name.startsWith(`${deletedPrefix}.${quarantineLevel}.`, name.indexOf("!") + 1);
}

/** Where a mailbox goes that lost its name: "DELETED.QUARANTINE.user.joe.65A1B2C3". Under DELETED users do not see it. */
export function quarantinedNameOf(name: MailboxName, atMs: number, deletedPrefix = defaultDeletedPrefix): MailboxName {
  const original = readQuarantinedName(name, deletedPrefix)?.original ?? name;
  return deletedNameOf(original, atMs, `${deletedPrefix}.${quarantineLevel}`);
}

/** What a mailbox in quarantine was called and since when it is there; undefined for other names. */
export function readQuarantinedName(
  name: MailboxName,
  deletedPrefix = defaultDeletedPrefix,
): { readonly original: MailboxName; readonly quarantinedAtMs: number } | undefined {
  const read = readDated(name, `${deletedPrefix}.${quarantineLevel}`);
  return read && { original: read.original, quarantinedAtMs: read.atMs };
}

/** What a deleted mailbox was called and when it was deleted; undefined for other names, and in quarantine. */
export function readDeletedName(
  name: MailboxName,
  deletedPrefix = defaultDeletedPrefix,
): { readonly original: MailboxName; readonly deletedAtMs: number } | undefined {
  if (isQuarantinedName(name, deletedPrefix)) return undefined;
  const read = readDated(name, deletedPrefix);
  return read && { original: read.original, deletedAtMs: read.atMs };
}

function readDated(
  name: MailboxName,
  prefix: string,
): { readonly original: MailboxName; readonly atMs: number } | undefined {
  if (!isDeletedName(name, prefix)) return undefined;
  const start = name.indexOf("!") + 1;
  const dot = name.lastIndexOf(".");
  const original = parseMailboxName(name.slice(0, start) + name.slice(start + prefix.length + 1, dot));
  const time = name.slice(dot + 1);
  if (original === undefined || !/^[0-9A-F]{8,11}$/i.test(time)) return undefined;
  return { original, atMs: Number.parseInt(time, 16) * 1000 };
}
