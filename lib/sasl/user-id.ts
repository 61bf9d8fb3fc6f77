// Canonical user ids: one spelling for each user, and none that a mailbox name or an ACL could misread.

import { No } from "../base/fault.ts";
import { asUserId, type UserId } from "./identity.ts";

/** Values of the imapd.conf options of these names. */
export interface UserIdSettings {
  readonly username_tolower: boolean;
  readonly virtdomains: "off" | "userid" | "on";
  readonly defaultdomain: string;
  /** With "." as the separator a dot in a name would be a level. */
  readonly unixhierarchysep: boolean;
}

const longestBytes = 80;
/** ACL identifiers and service names of their own. */
const reserved: ReadonlySet<string> = new Set(["anyone", "anybody", "anonymous"]);
/** Special in modified UTF-7, LIST patterns, mailbox names or /etc/passwd; "-" begins a negative ACL identifier. */
const plainForm = /^[!"#$'()+,.0-9;<=>A-Z[\\\]^_`a-z{|}~-]+$/;
const domainForm = /^[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?$/;

/** The canonical form, or undefined for what cannot be a user. */
export function parseUserId(text: string, settings: UserIdSettings): UserId | undefined {
  const folded = settings.username_tolower ? text.toLowerCase() : text;
  if (Buffer.byteLength(folded) > longestBytes) return undefined;
  const hasDomains = settings.virtdomains !== "off";
  const at = separatorIndex(folded, hasDomains);
  const local = at < 0 ? folded : folded.slice(0, at);
  const domain = at < 0 ? "" : folded.slice(at + 1).toLowerCase();
  if (!plainForm.test(local) || local.startsWith("-") || reserved.has(local.toLowerCase())) return undefined;
  if (!settings.unixhierarchysep && local.includes(".")) return undefined;
  if (at >= 0 && !domainForm.test(domain)) return undefined;
  return asUserId(domain === "" || domain === settings.defaultdomain.toLowerCase() ? local : `${local}@${domain}`);
}

/** The canonical form, or No("AUTHORIZATIONFAILED"). */
export function canonicalUserId(text: string, settings: UserIdSettings): UserId {
  const id = parseUserId(text, settings);
  if (id === undefined) throw new No("AUTHORIZATIONFAILED", `"${text}" cannot be a user id`);
  return id;
}

/** With virtual domains `user%domain` says the same as `user@domain`: some clients cut at "@". */
function separatorIndex(text: string, hasDomains: boolean): number {
  const at = text.lastIndexOf("@");
  return at < 0 && hasDomains ? text.lastIndexOf("%") : at;
}
