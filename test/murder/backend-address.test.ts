import { expect, test } from "bun:test";
import { Bad } from "../../lib/base/fault.ts";
import { defaultConfig } from "../../lib/config/config.ts";
import { backendAddress } from "../../lib/murder/backend-address.ts";

test("backendAddress() takes the server's name and the standard ports", () => {
  const config = defaultConfig();
  expect(backendAddress(config, "be1.lab", "imap")).toEqual({ host: "be1.lab", port: 143 });
  expect(backendAddress(config, "be1.lab", "lmtp")).toEqual({ host: "be1.lab", port: 2003 });
  expect(backendAddress(config, "be1.lab", "pop3")).toEqual({ host: "be1.lab", port: 110 });
  expect(backendAddress(config, "be1.lab", "sieve")).toEqual({ host: "be1.lab", port: 4190 });
});

test("backendAddress() takes a port in the server's name for IMAP only", () => {
  const config = defaultConfig();
  expect(backendAddress(config, "be1.lab:1143", "imap")).toEqual({ host: "be1.lab", port: 1143 });
  expect(backendAddress(config, "be1.lab:1143", "lmtp")).toEqual({ host: "be1.lab", port: 2003 });
});

test("backendAddress() prefers the server's own setting", () => {
  const hostSettings = new Map([
    ["be1_lmtp_address", "127.0.0.1:12003"],
    ["be1_pop3_address", "[::1]"],
  ]);
  const config = defaultConfig({ hostSettings });
  expect(backendAddress(config, "be1.lab:1143", "lmtp")).toEqual({ host: "127.0.0.1", port: 12003 });
  expect(backendAddress(config, "be1.lab", "pop3")).toEqual({ host: "::1", port: 110 });
});

test("backendAddress() refuses what is no address", () => {
  const config = defaultConfig({ hostSettings: new Map([["be1_imap_address", "a b"]]) });
  expect(() => backendAddress(config, "be1", "imap")).toThrow(Bad);
});
