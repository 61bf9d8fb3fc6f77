// The arguments of MAIL and RCPT: a path in angle brackets and parameters (RFC 5321 §4.1.2, with LMTP's users without a
// domain).

import { Bad } from "../../base/fault.ts";

export interface RecipientAddress {
  /** Without quotes and backslashes. */
  readonly localPart: string;
  /** Empty when there is none. */
  readonly domain: string;
}

export interface PathArgument {
  /** Between the brackets, without a source route. */
  readonly path: string;
  /** By upper-case keyword; a keyword without "=" has an empty value. */
  readonly parameters: ReadonlyMap<string, string>;
}

const maxPath = 1000;

/** `keyword` is "FROM" or "TO". Throws Bad. */
export function parsePathArgument(text: string, keyword: "FROM" | "TO"): PathArgument {
  const head = new RegExp(`^${keyword}: *`, "i").exec(text);
  if (!head) throw new Bad(`Expected ${keyword}:<address>`);
  const rest = text.slice(head[0].length);
  const end = endOfPath(rest);
  if (end < 0) throw new Bad("Expected an address in angle brackets");
  const path = rest.slice(1, end).replace(/^@[^:"]*:/, "");
  if (path.length > maxPath || /[\x00-\x1f\x7f]/.test(path)) throw new Bad("Invalid address");
  return { path, parameters: parseParameters(rest.slice(end + 1)) };
}

/** Throws Bad for an empty local part. */
export function parseRecipient(path: string): RecipientAddress {
  const quoted = /^"((?:[^"\\]|\\.)*)"(?:@(.*))?$/.exec(path);
  const at = path.lastIndexOf("@");
  const raw = quoted ? quoted[1]! : at < 0 ? path : path.slice(0, at);
  const domain = (quoted ? quoted[2] : at < 0 ? "" : path.slice(at + 1)) ?? "";
  const localPart = raw.replace(/\\(.)/g, "$1");
  if (localPart === "") throw new Bad("Invalid address");
  return { localPart, domain: domain.toLowerCase() };
}

/** The path of an address, its local part quoted where it must be. */
export function formatRecipient({ localPart, domain }: RecipientAddress): string {
  const isPlain = /^[^\x00-\x20\x7f()<>@,;:\\"[\]]+$/.test(localPart);
  const local = isPlain ? localPart : `"${localPart.replace(/["\\]/g, "\\$&")}"`;
  return domain === "" ? local : `${local}@${domain}`;
}

/** Where the closing bracket is, which may also stand in a quoted local part; -1 without one. */
function endOfPath(text: string): number {
  const match = /^<(?:"(?:[^"\\]|\\.)*"|[^<>"])*>/.exec(text);
  return match ? match[0].length - 1 : -1;
}

function parseParameters(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const word of text.split(" ")) {
    if (word === "") continue;
    const [, keyword, value] = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?$/.exec(word) ?? [];
    if (keyword === undefined) throw new Bad(`Invalid parameter "${word}"`);
    if (parameters.has(keyword.toUpperCase())) throw new Bad(`Parameter ${keyword} is given twice`);
    parameters.set(keyword.toUpperCase(), value ?? "");
  }
  if (text !== "" && !text.startsWith(" ")) throw new Bad("Expected a blank after the address");
  return parameters;
}
