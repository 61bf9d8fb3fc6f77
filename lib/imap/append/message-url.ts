// IMAP URLs that name a message or a part of one (RFC 5092), as CATENATE takes them (RFC 4469 §3): absolute ones of this
// server, and those relative to it or to the selected mailbox. URLAUTH (RFC 4467) is not spoken.

import { parseSection, type Section } from "../../message/section.ts";
import { decodeUtf7, encodeUtf7 } from "../../wire/utf7.ts";

export interface MessageUrl {
  /** Undefined in a relative URL. */
  readonly server: string | undefined;
  readonly user: string | undefined;
  /** As on the wire of IMAP; undefined: the selected one. */
  readonly mailbox: string | undefined;
  readonly uidValidity: number | undefined;
  readonly uid: number;
  readonly section: Section;
  /** The section as FETCH takes it. */
  readonly sectionText: string;
  readonly offset: number;
  /** Undefined: to the end. */
  readonly length: number | undefined;
}

const absolute = /^imap:\/\/(?:([^@/]*)@)?(\[[0-9a-f:.]+\]|[^:/@]+)(?::\d{1,5})?(\/.*)$/is;
const relative =
  /^(?:\/(.*?))?(?:;UIDVALIDITY=([1-9]\d{0,9}))?\/?;UID=([1-9]\d{0,9})(?:\/?;SECTION=([^;]*?))?(?:\/?;PARTIAL=(\d{1,15})(?:\.([1-9]\d{0,14}))?)?\/?$/is;

/** Undefined for what is no URL of a message. */
export function parseMessageUrl(text: string): MessageUrl | undefined {
  const host = absolute.exec(text);
  if (!host && /^[a-z][a-z0-9+.-]*:/i.test(text)) return undefined;
  const match = relative.exec(host ? host[3]! : text);
  if (!match) return undefined;
  const [, path = "", uidValidity, uid, sectionSpec = "", offset, length] = match;
  const mailbox = unescaped(path);
  const user = unescaped(host?.[1]?.replace(/;AUTH=.*$/i, "") ?? "");
  const section = readSection(unescaped(sectionSpec) ?? "?");
  if (mailbox === undefined || user === undefined || !section) return undefined;
  if (host && mailbox === "") return undefined;
  return {
    server: host?.[2]?.toLowerCase(),
    user: user === "" ? undefined : user,
    mailbox: mailbox === "" ? undefined : encodeUtf7(mailbox),
    uidValidity: uidValidity === undefined ? undefined : Number(uidValidity),
    uid: Number(uid),
    ...section,
    offset: Number(offset ?? 0),
    length: length === undefined ? undefined : Number(length),
  };
}

/** The URL of the same octets relative to their server, whatever is selected there. */
export function formatMessageUrl(url: MessageUrl, mailbox: string): string {
  const name = encodeURIComponent((decodeUtf7(mailbox) ?? mailbox).toWellFormed()).replaceAll("%2F", "/");
  const section = encodeURIComponent(url.sectionText);
  const partial = url.offset > 0 || url.length !== undefined;
  return [
    `/${name}`,
    url.uidValidity === undefined ? "" : `;UIDVALIDITY=${url.uidValidity}`,
    `/;UID=${url.uid}`,
    section === "" ? "" : `/;SECTION=${section}`,
    partial ? `/;PARTIAL=${url.offset}${url.length === undefined ? "" : `.${url.length}`}` : "",
  ].join("");
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // broken escapes, or not UTF-8
  }
}

const fieldName = /^[!#-'*+\-.0-9A-Z^-z|~]+$/;

function readSection(text: string): { readonly section: Section; readonly sectionText: string } | undefined {
  const match = /^([^ ]*)(?: \(([^()]+)\))?$/.exec(text);
  const fields = match?.[2]?.split(" ") ?? [];
  if (!match || !fields.every((field) => fieldName.test(field))) return undefined;
  const section = parseSection(match[1]!, fields);
  return section && { section, sectionText: text };
}
