import { expect, test } from "bun:test";
import { defaultConfig } from "../../lib/config/config.ts";

test("defaultConfig() gives each option the type and default of its literal", () => {
  const config = defaultConfig({ configdirectory: "/srv/imap" });
  const timeout: number = config.timeout;
  const server: string | undefined = config.mupdate_server;
  const admins: readonly string[] = config.admins;
  const topology: "standard" | "unified" | "replicated" = config.mupdate_config;
  expect(timeout).toBe(32 * 60);
  expect(server).toBeUndefined();
  expect(admins).toEqual([]);
  expect(topology).toBe("standard");
  expect(config.maxquoted).toBe(131_072);
  expect(config.sieve_maxscriptsize).toBe(32_768);
  expect(config.autocreate_quota).toBe(-1);
  expect(config.altnamespace).toBe(true);
  expect(config.allowplaintext).toBe(false);
  expect(config.mboxlist_db_path).toBe("/srv/imap/mailboxes.db");
  expect(config.servername).not.toBe("");
});

test("defaultConfig() takes overrides", () => {
  const config = defaultConfig({
    servername: "frontend.example.org",
    partitions: new Map([["default", "/spool"]]),
    proxy_password: "fallback",
    hostSettings: new Map([["backend1_password", "own"]]),
  });
  expect(config.servername).toBe("frontend.example.org");
  expect(config.partitions.get("default")).toBe("/spool");
  expect(config.forHost("backend1.example.org", "password")).toBe("own");
  expect(config.forHost("backend2.example.org", "password")).toBe("fallback");
  expect(config.forHost("backend2.example.org", "mechs")).toBeUndefined();
});
