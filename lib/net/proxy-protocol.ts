// The header of the PROXY protocol, versions 1 and 2: what a load balancer sends before the client's own bytes, to say whom
// it speaks for. Only the text; who may send it is decided by listen.ts. Type-length-value fields are skipped.

import { isIPv4, isIPv6 } from "node:net";
import { Bad } from "../base/fault.ts";
import type { Endpoint } from "./connection.ts";

export type ProxyVersion = "v1" | "v2";

export interface ProxyHeader {
  /** In bytes: the client's own begin behind them. */
  readonly length: number;
  /** Undefined when the proxy speaks for itself (LOCAL) or does not know (UNKNOWN): the connection's own address counts. */
  readonly source: Endpoint | undefined;
}

/** Room for the fields that balancers add; a longer header is refused. */
export const mostProxyHeaderBytes = 4096;
const mostTextBytes = 107; // version 1, with CRLF

const textMark = Buffer.from("PROXY ");
const binaryMark = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const binaryHeadBytes = 16;

/** The header at the start of `bytes`; undefined when more of it is to come. Throws Bad for anything else. */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isStartOf(view, textMark)) return parseText(view);
  if (isStartOf(view, binaryMark)) return parseBinary(view);
  throw new Bad("The connection does not begin with a PROXY header");
}

/** Without a source: the connection is our own. Addresses of two families are both written as IPv6. */
export function formatProxyHeader(
  version: ProxyVersion,
  source: Endpoint | undefined,
  destination: Endpoint,
): Uint8Array {
  const family = source && familyOf(source.host, destination.host);
  const format = version === "v1" ? formatText : formatBinary;
  return format(source && family && { family, source, destination });
}

function isStartOf(bytes: Buffer, mark: Buffer): boolean {
  const length = Math.min(bytes.length, mark.length);
  return bytes.subarray(0, length).equals(mark.subarray(0, length));
}

// ---- version 1

const textFamilies: Readonly<Record<string, (host: string) => boolean>> = { TCP4: isIPv4, TCP6: isIPv6 };

function parseText(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, mostTextBytes).indexOf("\r\n");
  if (end < 0) {
    if (bytes.length >= mostTextBytes) throw new Bad("The PROXY header is too long");
    return undefined;
  }
  const [, family = "", ...words] = bytes.toString("latin1", 0, end).split(" ");
  const length = end + 2;
  if (family === "UNKNOWN") return { length, source: undefined };
  const isOfFamily = Object.hasOwn(textFamilies, family) ? textFamilies[family] : undefined;
  const [sourceHost = "", destinationHost = "", sourcePort = "", destinationPort = ""] = words;
  const areHosts = isOfFamily?.(sourceHost) && isOfFamily(destinationHost);
  if (!areHosts || words.length !== 4 || !isPort(sourcePort) || !isPort(destinationPort)) {
    throw new Bad("The PROXY header has no addresses that can be read");
  }
  return { length, source: { host: plainHost(sourceHost), port: Number(sourcePort) } };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function formatText(ends: Ends | undefined): Uint8Array {
  if (!ends) return Buffer.from("PROXY UNKNOWN\r\n");
  const { family, source, destination } = ends;
  const hosts = [source.host, destination.host].map((host) => hostOf(family, host)).join(" ");
  return Buffer.from(`PROXY ${family === 4 ? "TCP4" : "TCP6"} ${hosts} ${source.port} ${destination.port}\r\n`);
}

// ---- version 2

const commands = { local: 0x20, proxy: 0x21 } as const;
const streamOver = { 4: 0x11, 6: 0x21 } as const;

interface AddressLayout {
  /** Of both addresses with their ports. */
  readonly bytes: number;
  readonly read: (bytes: Buffer) => Endpoint;
}

/** By the upper half of the byte that names family and transport; 0 (unspecified) has none. */
const layouts: Readonly<Record<number, AddressLayout>> = {
  1: { bytes: 12, read: (bytes) => ({ host: bytes.subarray(0, 4).join("."), port: bytes.readUInt16BE(8) }) },
  2: { bytes: 36, read: (bytes) => ({ host: textOfIpv6(bytes.subarray(0, 16)), port: bytes.readUInt16BE(32) }) },
  3: { bytes: 216, read: (bytes) => ({ host: pathOf(bytes.subarray(0, 108)), port: 0 }) },
};

function parseBinary(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < binaryHeadBytes) return undefined;
  const command = bytes.readUInt8(12);
  const layout = layouts[bytes.readUInt8(13) >> 4];
  const rest = bytes.readUInt16BE(14);
  const length = binaryHeadBytes + rest;
  if (command !== commands.local && command !== commands.proxy)
    throw new Bad("The PROXY header has an unknown command");
  if (length > mostProxyHeaderBytes) throw new Bad("The PROXY header is too long");
  if (bytes.length < length) return undefined;
  if (command === commands.local || !layout) return { length, source: undefined };
  if (rest < layout.bytes) throw new Bad("The PROXY header has no addresses that can be read");
  return { length, source: layout.read(bytes.subarray(binaryHeadBytes, length)) };
}

function formatBinary(ends: Ends | undefined): Uint8Array {
  if (!ends) return Buffer.concat([binaryMark, Buffer.from([commands.local, 0, 0, 0])]);
  const { family, source, destination } = ends;
  const addresses = [source.host, destination.host].map((host) => octetsOf(family, host));
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const rest = Buffer.concat([...addresses, ports]);
  return Buffer.concat([binaryMark, Buffer.from([commands.proxy, streamOver[family], 0, rest.length]), rest]);
}

// ---- addresses

interface Ends {
  readonly family: 4 | 6;
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** Undefined when one of them is no address. */
function familyOf(...hosts: readonly string[]): 4 | 6 | undefined {
  if (hosts.every(isIPv4)) return 4;
  return hosts.every((host) => isIPv4(host) || isIPv6(host)) ? 6 : undefined;
}

function hostOf(family: 4 | 6, host: string): string {
  return family === 6 && isIPv4(host) ? `::ffff:${host}` : withoutZone(host);
}

/** The zone of a link-local address means nothing to other machines. */
function withoutZone(host: string): string {
  return host.replace(/%.*$/, "");
}

/** IPv4 in IPv6's clothes without them, as for peers that connect themselves. */
function plainHost(host: string): string {
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  return inner ?? host;
}

function octetsOf(family: 4 | 6, host: string): Buffer {
  if (family === 4) return Buffer.from(host.split(".").map(Number));
  const groups = groupsOf(hostOf(6, host));
  const octets = Buffer.alloc(16);
  for (const [at, group] of groups.entries()) octets.writeUInt16BE(group, 2 * at);
  return octets;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(host: string): readonly number[] {
  const numeric = host.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(":"),
  );
  const [head = [], tail = []] = numeric
    .split("::")
    .map((part) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16))));
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function textOfIpv6(octets: Buffer): string {
  const isMapped = octets.readUInt32BE(8) === 0xffff && octets.subarray(0, 8).every((octet) => octet === 0);
  if (isMapped) return octets.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => octets.readUInt16BE(2 * at).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1); // the canonical form, RFC 5952
}

/** Up to the first NUL; abstract sockets have none that could be shown. */
function pathOf(octets: Buffer): string {
  const end = octets.indexOf(0);
  return octets.toString("latin1", 0, end < 0 ? octets.length : end) || "unix";
}
