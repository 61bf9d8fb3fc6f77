// The ways an address is written in cyrus.conf (`listen=`) and imapd.conf (server names).

import { readFileSync } from "node:fs";
import { Bad } from "../base/fault.ts";

/** Ports by service name, as IANA assigned them: for machines whose /etc/services does not know them. */
const usualPorts: Readonly<Record<string, number>> = {
  pop3: 110,
  imap: 143,
  imap2: 143,
  imaps: 993,
  pop3s: 995,
  lmtp: 24,
  csync: 2005,
  mupdate: 3905,
  sieve: 4190,
};

/** An empty host is every address of the machine. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * `port`, `:port`, `host:port`, `[v6]:port` or `/path`; a port may be a service name. An empty host or `*` is every
 * address. Throws Bad.
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith("/")) return { path: text };
  const split = splitHostPort(text);
  if (!split) throw new Bad(`"${text}" is not an address: expected "port", "host:port", "[address]:port" or "/path"`);
  if (split.port === undefined) return { host: "", port: parsePort(split.host, text) };
  return { host: split.host === "*" ? "" : split.host, port: parsePort(split.port, text) };
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; a lone IPv6 address needs no brackets. Throws Bad. */
export function parseServerName(text: string, defaultPort: number): { readonly host: string; readonly port: number } {
  if (text.split(":").length > 2 && !text.startsWith("[")) return { host: text, port: defaultPort };
  const split = splitHostPort(text);
  if (!split || split.host === "") throw new Bad(`"${text}" is not a server name: expected "host" or "host:port"`);
  return { host: split.host, port: split.port === undefined ? defaultPort : parsePort(split.port, text) };
}

function splitHostPort(text: string): { host: string; port: string | undefined } | undefined {
  const parts = /^(?:\[([^\][]*)\]|([^:\s[\]]*))(?::([^:\s]+))?$/.exec(text);
  if (!parts || text === "") return undefined;
  return { host: parts[1] ?? parts[2] ?? "", port: parts[3] };
}

function parsePort(text: string, whole: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : (portOfService(text) ?? usualPorts[text.toLowerCase()]);
  if (port !== undefined && port <= 65_535) return port;
  throw new Bad(`"${text}" in "${whole}" is neither a port nor a known service`);
}

/** services(5); what the administrator wrote there goes before what we know. */
function portOfService(name: string): number | undefined {
  for (const line of readServices().split("\n")) {
    const [service, port, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (port?.endsWith("/tcp") && (service === name || aliases.includes(name))) return Number.parseInt(port, 10);
  }
  return undefined;
}

function readServices(): string {
  try {
    return readFileSync("/etc/services", "utf8");
  } catch {
    return "";
  }
}
