import { expect, test } from "bun:test";
import { parseListen } from "../../lib/master/listener.ts";

test("parseListen() reads every form that cyrus.conf has", () => {
  expect(parseListen("143")).toEqual({ kind: "port", host: undefined, port: 143 });
  expect(parseListen(":143")).toEqual({ kind: "port", host: undefined, port: 143 });
  expect(parseListen("*:143")).toEqual({ kind: "port", host: undefined, port: 143 });
  expect(parseListen("imaps")).toEqual({ kind: "port", host: undefined, port: 993 });
  expect(parseListen("mupdate")).toEqual({ kind: "port", host: undefined, port: 3905 });
  expect(parseListen("imap.example.org:imap")).toEqual({ kind: "port", host: "imap.example.org", port: 143 });
  expect(parseListen("[::1]:143")).toEqual({ kind: "port", host: "::1", port: 143 });
  expect(parseListen("[localhost]:143")).toEqual({ kind: "port", host: "localhost", port: 143 });
  expect(parseListen("/run/lmtp")).toEqual({ kind: "unix", path: "/run/lmtp" });
});

test("parseListen() refuses what is no address", () => {
  expect(() => parseListen("")).toThrow("is not an address");
  expect(() => parseListen("host:nosuchservice")).toThrow('"nosuchservice" is not a port');
  expect(() => parseListen("70000")).toThrow("70000 is not a port");
});
