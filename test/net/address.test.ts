import { expect, test } from "bun:test";
import { parseListenAddress, parseServerName } from "../../lib/net/address.ts";

test.each([
  ["143", { host: "", port: 143 }],
  [":143", { host: "", port: 143 }],
  ["*:143", { host: "", port: 143 }],
  ["imap", { host: "", port: 143 }],
  ["imaps", { host: "", port: 993 }],
  ["mupdate", { host: "", port: 3905 }],
  ["localhost:mupdate", { host: "localhost", port: 3905 }],
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["[::1]:pop3s", { host: "::1", port: 995 }],
  ["[mail.example.org]:sieve", { host: "mail.example.org", port: 4190 }],
  ["[localhost]:143", { host: "localhost", port: 143 }],
  ["/run/cyrus/socket/lmtp", { path: "/run/cyrus/socket/lmtp" }],
])("parseListenAddress() reads %p", (text, expected) => {
  expect(parseListenAddress(text)).toEqual(expected);
});

test.each([
  "",
  "nosuchservice",
  "host:nosuchservice",
  "70000",
  "host:",
  "host:99999",
  "::1:143",
  "[::1",
  "a b:1",
  "host:1:2",
])("parseListenAddress() refuses %p", (text) => {
  expect(() => parseListenAddress(text)).toThrow(`"${text}"`);
});

test.each([
  ["be1.example.org", { host: "be1.example.org", port: 143 }],
  ["be1.example.org:1143", { host: "be1.example.org", port: 1143 }],
  ["be1:imaps", { host: "be1", port: 993 }],
  ["fe80::1", { host: "fe80::1", port: 143 }],
  ["[fe80::1]", { host: "fe80::1", port: 143 }],
  ["[fe80::1]:24", { host: "fe80::1", port: 24 }],
])("parseServerName() reads %p", (text, expected) => {
  expect(parseServerName(text, 143)).toEqual(expected);
});

test.each(["", ":143", "host:x", "a b"])("parseServerName() refuses %p", (text) => {
  expect(() => parseServerName(text, 143)).toThrow(`"${text}"`);
});
