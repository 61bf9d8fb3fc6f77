// ENVELOPE, BODYSTRUCTURE and BODY of a message as IMAP text (RFC 9051 §7.5.2, §9), made once when the message arrives and
// kept beside it. On the way of every delivery: strings are added up, nothing is parsed twice.

import type { EnvelopeAddress } from "../message/address.ts";
import { contentLanguages, type Parameter, parseDisposition } from "../message/content-type.ts";
import { type Envelope, readEnvelope } from "../message/envelope.ts";
import { firstValue, type Header } from "../message/header.ts";
import { type Part, parseMessage } from "../message/structure.ts";
import type { CachedStructure } from "./store.ts";

/** What the store keeps of a message. `headerSize` counts the octets up to and including the empty line. */
export function describeMessage(bytes: Uint8Array): {
  readonly structure: CachedStructure;
  readonly headerSize: number;
} {
  const root = parseMessage(bytes);
  return {
    structure: {
      envelope: formatEnvelope(readEnvelope(root.header)),
      bodyStructure: formatPart(root, true),
      body: formatPart(root, false),
    },
    headerSize: root.header.end,
  };
}

export function formatEnvelope(envelope: Envelope): string {
  const from = formatAddresses(envelope.from);
  const sender = envelope.sender === envelope.from ? from : formatAddresses(envelope.sender);
  const replyTo = envelope.replyTo === envelope.from ? from : formatAddresses(envelope.replyTo);
  const to = `${formatAddresses(envelope.to)} ${formatAddresses(envelope.cc)} ${formatAddresses(envelope.bcc)}`;
  const ids = `${nstring(envelope.inReplyTo)} ${nstring(envelope.messageId)}`;
  return `(${nstring(envelope.date)} ${nstring(envelope.subject)} ${from} ${sender} ${replyTo} ${to} ${ids})`;
}

/** BODYSTRUCTURE with `withExtensions`, else BODY. */
export function formatPart(part: Part, withExtensions: boolean): string {
  if (part.kind === "multipart") return formatMultipart(part, withExtensions);
  const { header, contentType } = part;
  let text = `(${string(contentType.type)} ${string(contentType.subtype)} ${formatParameters(contentType.parameters)}`;
  text += ` ${field(header, "content-id")} ${field(header, "content-description")} ${string(part.encoding)}`;
  text += ` ${part.bodyEnd - part.bodyStart}`;
  const message = part.kind === "message" ? part.children[0] : undefined;
  if (message) text += ` ${formatEnvelope(readEnvelope(message.header))} ${formatPart(message, withExtensions)}`;
  if (part.kind !== "other") text += ` ${part.lines}`;
  if (withExtensions) text += ` ${field(header, "content-md5")}${formatCommonExtensions(header)}`;
  return `${text})`;
}

function formatMultipart(part: Part, withExtensions: boolean): string {
  let text = "(";
  for (const child of part.children) text += formatPart(child, withExtensions);
  text += ` ${string(part.contentType.subtype)}`;
  if (withExtensions) text += ` ${formatParameters(part.contentType.parameters)}${formatCommonExtensions(part.header)}`;
  return `${text})`;
}

/** Disposition, language and location, each after a space. */
function formatCommonExtensions(header: Header): string {
  const value = firstValue(header, "content-disposition");
  const disposition = value === undefined ? undefined : parseDisposition(value);
  const languages = contentLanguages(header);
  const location = firstValue(header, "content-location")?.replace(/[ \t]+/g, ""); // RFC 2557 §4.4.2: folded anywhere
  let text = disposition ? ` (${string(disposition.type)} ${formatParameters(disposition.parameters)})` : " NIL";
  text += languages.length > 0 ? ` (${languages.map(string).join(" ")})` : " NIL";
  return `${text} ${nstring(location)}`;
}

function formatParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return "NIL";
  let text = "";
  for (const [name, value] of parameters) text += `${text === "" ? "(" : " "}${string(name)} ${string(value)}`;
  return `${text})`;
}

function formatAddresses(addresses: readonly EnvelopeAddress[]): string {
  if (addresses.length === 0) return "NIL";
  let text = "(";
  for (const { name, route, mailbox, host } of addresses) {
    text += `(${nstring(name)} ${nstring(route)} ${nstring(mailbox)} ${nstring(host)})`;
  }
  return `${text})`;
}

function field(header: Header, name: string): string {
  return nstring(firstValue(header, name));
}

function nstring(text: string | undefined): string {
  return text === undefined ? "NIL" : string(text);
}

/** A quoted string, or a literal where the octets allow no other. NUL fits nowhere (RFC 9051 §9, CHAR8) and is dropped. */
function string(text: string): string {
  if (/^[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]*$/.test(text)) return `"${text}"`;
  if (/^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/.test(text)) return `"${text.replace(/["\\]/g, "\\$&")}"`;
  const octets = text.replaceAll("\0", "");
  return `{${octets.length}}\r\n${octets}`;
}
