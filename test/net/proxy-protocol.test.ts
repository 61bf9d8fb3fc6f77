// The header of the PROXY protocol as text and as octets, read and written.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Bad } from "../../lib/base/fault.ts";
import { formatProxyHeader, parseProxyHeader } from "../../lib/net/proxy-protocol.ts";

const mark = "\r\n\r\n\0\r\nQUIT\n";
const latin1 = (text: string) => Buffer.from(text, "latin1");

function binary(command: number, family: number, rest: Uint8Array): Buffer {
  const head = Buffer.from([command, family, rest.length >> 8, rest.length & 255]);
  return Buffer.concat([latin1(mark), head, rest]);
}

const ipv4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x03, 0xe1]);

describe("parseProxyHeader() reads version 1", () => {
  test.each([
    ["PROXY TCP4 192.0.2.1 198.51.100.2 56324 993\r\n", { host: "192.0.2.1", port: 56324 }],
    ["PROXY TCP6 2001:db8::1 2001:db8::2 56324 993\r\n", { host: "2001:db8::1", port: 56324 }],
    ["PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 1 2\r\n", { host: "192.0.2.1", port: 1 }],
    ["PROXY UNKNOWN\r\n", undefined],
    ["PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", undefined],
  ])("%p", (text, source) => {
    expect(parseProxyHeader(latin1(`${text}a1 NOOP\r\n`))).toEqual({ length: text.length, source });
  });
});

describe("parseProxyHeader() reads version 2", () => {
  const ipv6 = Buffer.concat([
    latin1("\x20\x01\x0d\xb8"),
    Buffer.alloc(11),
    Buffer.from([1]),
    Buffer.alloc(16),
    ipv4.subarray(8),
  ]);
  const mapped = Buffer.concat([
    Buffer.alloc(10),
    latin1("\xff\xff\xc0\x00\x02\x01"),
    Buffer.alloc(16),
    ipv4.subarray(8),
  ]);
  const path = Buffer.concat([latin1("/run/client"), Buffer.alloc(205)]);
  const fields = Buffer.concat([ipv4, latin1("\x01\x00\x04imap\x04\x00\x00")]);
  test.each([
    ["TCP over IPv4", binary(0x21, 0x11, ipv4), { host: "192.0.2.1", port: 56324 }],
    ["TCP over IPv6", binary(0x21, 0x21, ipv6), { host: "2001:db8::1", port: 56324 }],
    ["IPv4 in IPv6", binary(0x21, 0x21, mapped), { host: "192.0.2.1", port: 56324 }],
    ["a unix socket", binary(0x21, 0x31, path), { host: "/run/client", port: 0 }],
    ["an abstract unix socket", binary(0x21, 0x31, Buffer.alloc(216)), { host: "unix", port: 0 }],
    ["fields behind the addresses", binary(0x21, 0x11, fields), { host: "192.0.2.1", port: 56324 }],
    ["LOCAL", binary(0x20, 0x00, Buffer.alloc(0)), undefined],
    ["LOCAL with addresses", binary(0x20, 0x11, ipv4), undefined],
    ["an unspecified family", binary(0x21, 0x00, Buffer.alloc(0)), undefined],
    ["a family yet unknown", binary(0x21, 0x41, Buffer.alloc(9)), undefined],
  ])("%s", (_, bytes, source) => {
    expect(parseProxyHeader(Buffer.concat([bytes, latin1("\x16\x03")]))).toEqual({ length: bytes.length, source });
  });
});

test.each([
  ["another protocol", latin1("a1 LOGIN ann x\r\n")],
  ["TLS", latin1("\x16\x03\x01")],
  ["lower case", latin1("proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n")],
  ["a third version", binary(0x31, 0x11, ipv4)],
  ["an unknown command", binary(0x22, 0x11, ipv4)],
  ["addresses that are cut off", binary(0x21, 0x11, ipv4.subarray(1))],
  ["more than we have room for", binary(0x21, 0x11, Buffer.alloc(5000))],
  ["a line without an end", latin1(`PROXY UNKNOWN ${"x".repeat(93)}`)],
  ["a line that ends too late", latin1(`PROXY UNKNOWN ${"x".repeat(93)}\r\n`)],
  ["no family", latin1("PROXY \r\n")],
  ["a family of no sockets", latin1("PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n")],
  ["a property of objects", latin1("PROXY constructor 192.0.2.1 198.51.100.2 1 2\r\n")],
  ["IPv6 as IPv4", latin1("PROXY TCP4 ::1 ::1 1 2\r\n")],
  ["a host name", latin1("PROXY TCP4 a.example 198.51.100.2 1 2\r\n")],
  ["no destination port", latin1("PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n")],
  ["five words", latin1("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n")],
  ["a port beyond all", latin1("PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n")],
  ["a port with a zero before it", latin1("PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n")],
])("parseProxyHeader() refuses %s", (_, bytes) => {
  expect(() => parseProxyHeader(bytes)).toThrow(Bad);
});

const group = fc.oneof(fc.constantFrom(0, 0xffff), fc.integer({ min: 0, max: 0xffff }));
const ipv6Address = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.map(hex).join(":"));
const address = fc.oneof(fc.ipV4(), ipv6Address, fc.constantFrom("::", "::1", "2001:db8::7", "::ffff:192.0.2.1"));
const end = fc.record({ host: address, port: fc.integer({ min: 0, max: 65_535 }) });
const version = fc.constantFrom("v1" as const, "v2" as const);

test("parseProxyHeader() reads what formatProxyHeader() writes, wants more of any part of it, and leaves what follows", () => {
  fc.assert(
    fc.property(version, end, end, fc.uint8Array({ maxLength: 40 }), (each, source, destination, more) => {
      const header = formatProxyHeader(each, source, destination);
      for (let length = 0; length < header.length; length += 1) {
        expect(parseProxyHeader(header.subarray(0, length))).toBeUndefined();
      }
      const read = parseProxyHeader(Buffer.concat([header, more]));
      expect(read?.length).toBe(header.length);
      expect(read?.source?.port).toBe(source.port);
      expect(canonical(read?.source?.host ?? "")).toBe(canonical(source.host));
    }),
  );
});

test.each([
  ["v1", "PROXY UNKNOWN\r\n"],
  ["v2", `${mark}\x20\0\0\0`],
] as const)(
  "formatProxyHeader() in %s says when the connection is our own, or the client's address is none",
  (each, text) => {
    const destination = { host: "198.51.100.2", port: 143 };
    for (const source of [undefined, { host: "/run/imap", port: 0 }]) {
      expect(Buffer.from(formatProxyHeader(each, source, destination)).toString("latin1")).toBe(text);
    }
  },
);

test("parseProxyHeader() never throws anything but Bad, whatever comes", () => {
  const start = fc.constantFrom("", "PROXY ", "PROXY TCP4 ", mark, `${mark}\x21\x11`, `${mark}\x21\x21\0\x24`);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (text, rest) => {
      try {
        const header = parseProxyHeader(Buffer.concat([latin1(text), rest]));
        if (header) expect(header.length).toBeLessThanOrEqual(text.length + rest.length);
      } catch (fault) {
        expect(fault).toBeInstanceOf(Bad);
      }
    }),
  );
});

function hex(value: number): string {
  return value.toString(16);
}

/** As RFC 5952 has it; IPv4 in IPv6 without its clothes. */
function canonical(host: string): string {
  const text = host.includes(":") ? new URL(`http://[${host}]/`).hostname.slice(1, -1) : host;
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text) ?? [];
  if (high === undefined || low === undefined) return text;
  const groups = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return groups.flatMap((group) => [group >> 8, group & 255]).join(".");
}
