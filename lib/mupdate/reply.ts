// What a MUPDATE server sends (RFC 3656 §3), as wire text: the banner, data lines and completions. Data goes as
// non-synchronizing literals, the only form that every Cyrus client reads.

import type { MailboxName } from "../mailbox/name.ts";
import { formatNonSyncLiteral, formatQuoted } from "../wire/writer.ts";
import type { MailboxRecord } from "./record.ts";
import { wireFromText } from "./record.ts";

export interface BannerFacts {
  readonly hostName: string;
  readonly product: string;
  readonly version: string;
  /** The master's host name on a replica; undefined on a master. */
  readonly upstream: string | undefined;
}

/** The greeting, also sent after STARTTLS: the mechanisms and what else is on offer, the OK line last (RFC 3656 §3.8.1). */
export function formatBanner(facts: BannerFacts, mechanisms: readonly string[], offers: readonly string[]): string {
  const role = facts.upstream === undefined ? "(master)" : `mupdate://${facts.upstream}`;
  const auth = ["* AUTH", ...mechanisms.map(quote)].join(" ");
  const ok = ["* OK MUPDATE", ...[facts.hostName, facts.product, facts.version, role].map(quote)].join(" ");
  return [auth, ...offers.map((offer) => `* ${offer}`), ok, ""].join("\r\n");
}

/** A MAILBOX or RESERVE line (RFC 3656 §3.4, §3.6). */
export function formatRecord(tag: string, record: MailboxRecord): string {
  const name = formatNonSyncLiteral(wireFromText(record.name));
  const location = formatNonSyncLiteral(wireFromText(record.location));
  if (record.state === "reserved") return `${tag} RESERVE ${name} ${location}\r\n`;
  return `${tag} MAILBOX ${name} ${location} ${formatNonSyncLiteral(wireFromText(record.acl))}\r\n`;
}

/** A DELETE line: only in a stream (RFC 3656 §3.5). */
export function formatDeletion(tag: string, name: MailboxName): string {
  return `${tag} DELETE ${formatNonSyncLiteral(wireFromText(name))}\r\n`;
}

/** A mark in the stream of RESUME (extension.ts). */
export function formatMark(tag: string, sequence: number): string {
  return `${tag} SEQUENCE "${sequence}"\r\n`;
}

/** The answer to STATUS (extension.ts). */
export function formatStatus(tag: string, json: string): string {
  return `${tag} STATUS ${formatNonSyncLiteral(wireFromText(json))}\r\n`;
}

export function formatCompletion(tag: string, status: "OK" | "NO" | "BAD" | "BYE", text: string): string {
  return `${tag} ${status} ${quote(text)}\r\n`;
}

/** A quoted string is 7-bit and has no line ends (RFC 3656 §2.2): what does not fit is replaced. */
function quote(text: string): string {
  return formatQuoted(text.replace(/[^\u0020-\u007e]/g, "?"));
}
