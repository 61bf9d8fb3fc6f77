import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../lib/config/config-error.ts";
import { loadConfig } from "../../lib/config/load-config.ts";
import { roleOf } from "../../lib/config/role.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(text: string, service = "") {
  return loadConfig(file("imapd.conf", `configdirectory: /srv/imap\npartition-default: /srv/spool\n${text}`), service);
}

/** Problems without the folder, the two lines of load() counted. */
function problemsOf(text: string, service = ""): readonly string[] {
  try {
    load(text, service);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((each) => each.replaceAll(`${folder}/`, ""));
    throw error;
  }
  return [];
}

function warningsOf(text: string, service = ""): readonly string[] {
  return load(text, service).warnings.map((each) => each.replaceAll(`${folder}/`, ""));
}

test("loadConfig() reads every type", () => {
  const { config } = load(
    [
      "  MUPDATE_server :  mupdate.example.org  ",
      "mupdate_port: 0xf41",
      "altnamespace: no",
      "mupdate_config: Unified",
      "admins: cyrus  root",
      "timeout: 1h30m",
      "poptimeout: 12",
      "maxmessagesize: 20M",
      "sieve_maxscriptsize: 16",
      "serverinfo: 0",
    ].join("\n"),
  );
  expect(config.mupdate_server).toBe("mupdate.example.org");
  expect(config.mupdate_port).toBe(3905);
  expect(config.altnamespace).toBe(false);
  expect(config.mupdate_config).toBe("unified");
  expect(config.admins).toEqual(["cyrus", "root"]);
  expect(config.timeout).toBe(5400);
  expect(config.poptimeout).toBe(720);
  expect(config.maxmessagesize).toBe(20 * 1024 * 1024);
  expect(config.sieve_maxscriptsize).toBe(16 * 1024);
  expect(config.serverinfo).toBe("off");
  expect(config.partitions).toEqual(new Map([["default", "/srv/spool"]]));
});

test("loadConfig() joins continuation lines and takes # as a comment only at the start", () => {
  const { config } = load("# admins: nobody\n   # indented\nadmins: a \\\n  b#c \\\nd\n\nuserprefix: #1\n");
  expect(config.admins).toEqual(["a", "b#c", "d"]);
  expect(config.userprefix).toBe("#1");
});

test("loadConfig() expands {configdirectory} only at the start of a string", () => {
  const { config } = load("sasl_sasldb_path: {configdirectory}/pw\ntemp_path: /x/{configdirectory}");
  expect(config.sasl_sasldb_path).toBe("/srv/imap/pw");
  expect(config.temp_path).toBe("/x/{configdirectory}");
});

test("loadConfig() prefers the service's own option wherever it stands", () => {
  const text = "lmtp_admins: postman\nadmins: cyrus\nimap_timeout: 40\n";
  expect(load(text, "lmtp").config.admins).toEqual(["postman"]);
  expect(load(text, "imap").config.admins).toEqual(["cyrus"]);
  expect(load(text, "imap").config.timeout).toBe(2400);
  expect(load(text).warnings).toEqual([]);
});

test("loadConfig() follows @include, relative to the including file", () => {
  file("passwords.conf", "backend1_password: secret\nproxy_authname: murder\n");
  const { config, warnings } = load("@include: passwords.conf\n");
  expect(config.forHost("backend1.example.org:143", "password")).toBe("secret");
  expect(config.proxy_authname).toBe("murder");
  expect(warnings).toEqual([]);
});

test("loadConfig() reports all problems at once, each with file and line", () => {
  file("broken.conf", "timeout: soon\n");
  expect(
    problemsOf(
      [
        "mupdate_port: many",
        "admins:",
        "altnamespace: maybe",
        "altnamespace: yes",
        "no colon here",
        "@include: broken.conf",
        "@include: broken.conf",
        "@include: /nowhere/file",
        "mupdate_config: murder",
        "lmtp_timeout: never",
        "partition-a_b: /x",
        "tls_sni_certs: one",
      ].join("\n"),
    ),
  ).toEqual([
    "imapd.conf:4: admins: empty option value",
    "imapd.conf:6: altnamespace: set twice (first at imapd.conf:5)",
    'imapd.conf:7: not an option (expected "name: value")',
    "imapd.conf:9: @include: broken.conf is included twice",
    expect.stringContaining("imapd.conf:10: Cannot read /nowhere/file: "),
    'imapd.conf:12: timeout: "never" is not a duration (such as 90s, 1h30m)',
    "imapd.conf:13: partition-a_b: names of partitions are letters and digits",
    'imapd.conf:5: altnamespace: "maybe" is not a switch (use 1 or 0)',
    'broken.conf:1: timeout: "soon" is not a duration (such as 90s, 1h30m)',
    'imapd.conf:3: mupdate_port: "many" is not a whole number',
    'imapd.conf:11: mupdate_config: "murder" is not one of standard, unified, replicated',
    'imapd.conf:14: tls_sni_certs: "one" must be certfile:keyfile pairs',
  ]);
});

test("loadConfig() refuses a file without configdirectory, and a file that is not there", () => {
  const empty = file("empty.conf", "");
  expect(() => loadConfig(empty)).toThrow(`${empty}: configdirectory is not set`);
  const missing = join(folder, "missing.conf");
  expect(() => loadConfig(missing)).toThrow(new ConfigError([`Cannot read ${missing}: no such file or directory`]));
});

test("loadConfig() warns of unknown options and offers the nearest name", () => {
  expect(warningsOf("mupdate_prot: 1\nzzz: 2\nmupdate_admin: x\nsasl_pwcheck_metod: saslauthd")).toEqual([
    'imapd.conf:3: mupdate_prot: unknown option (did you mean "mupdate_port"?)',
    "imapd.conf:4: zzz: unknown option",
    'imapd.conf:5: mupdate_admin: unknown option (did you mean "mupdate_admins"?)',
    'imapd.conf:6: sasl_pwcheck_metod: unknown option (did you mean "sasl_pwcheck_method"?)',
  ]);
});

test("loadConfig() knows Cyrus options it does not use by name", () => {
  expect(warningsOf("sync_host: x\nstatuscache: 1\nsasl_ldapdb_uri: ldap://x\ntls_cert_file: /c.pem")).toEqual([
    "imapd.conf:3: sync_host: an option of Cyrus that has no effect here",
    "imapd.conf:4: statuscache: an option of Cyrus that has no effect here",
    "imapd.conf:5: sasl_ldapdb_uri: an option of Cyrus SASL that has no effect here",
    'imapd.conf:6: tls_cert_file: this is now called "tls_server_cert"',
  ]);
  expect(load("tls_cert_file: /c.pem").config.tls_server_cert).toBe("/c.pem");
});

test("loadConfig() asks for the default partition where mailboxes are kept, except on a frontend", () => {
  const lines = "configdirectory: /srv/imap\ndefaultpartition: main\n";
  const backend = file("backend.conf", lines);
  expect(() => loadConfig(backend, "", { needsPartitions: true })).toThrow(`${backend}: partition-main is not set`);
  expect(loadConfig(backend).warnings).toEqual([]);
  const frontend = file("frontend.conf", `${lines}mupdate_server: mupdate.example.org\n`);
  expect(loadConfig(frontend, "", { needsPartitions: true }).warnings).toEqual([]);
});

test("loadConfig() says where a value came from", () => {
  const { origins } = load("admins: cyrus\nimap_admins: root", "imap");
  expect(origins.get("admins")).toMatchObject({ key: "imap_admins", value: "root", line: 4 });
  expect(origins.has("timeout")).toBe(false);
});

test("roleOf() follows from mupdate_server, mupdate_config and proxyservers (S13)", () => {
  const role = (text: string) => roleOf(load(text).config);
  expect(role("proxyservers: p")).toBe("single");
  expect(role("mupdate_server: m")).toBe("frontend");
  expect(role("mupdate_server: m\nproxyservers: p")).toBe("backend");
  expect(role("mupdate_server: m\nproxyservers: p\nmupdate_config: unified")).toBe("unified");
  expect(role("mupdate_server: m\nmupdate_config: replicated")).toBe("replicated");
});

test("a multiplexer needs no MUPDATE server, but a way to find its users' homes (S196)", () => {
  const role = (text: string) => roleOf(load(text).config);
  expect(role("proxy_mode: multiplexer\ndefaultserver: be1")).toBe("multiplexer");
  expect(role("proxy_mode: multiplexer\nmupdate_server: m")).toBe("multiplexer");
  expect(problemsOf("proxy_mode: multiplexer")).toEqual([
    "imapd.conf: proxy_mode: a multiplexer needs proxy_user_servers, proxy_map, proxy_regex_map, mupdate_server or defaultserver",
  ]);
});

test("the login at a backend is one of those that are known, and passwords are passed on by multiplexers only", () => {
  expect(problemsOf("mupdate_server: m\nbe1_login: by hand\nproxy_login: password\nproxy_user_servers: ann")).toEqual([
    'imapd.conf:4: be1_login: "by hand" is not one of authorize, master, password',
    'imapd.conf:6: proxy_user_servers: "ann" has "ann", which is not user=server',
    'imapd.conf: proxy_login: passwords are only passed on with "proxy_mode: multiplexer"',
  ]);
  const { config } = load("proxy_mode: multiplexer\ndefaultserver: be1\nproxy_login: master\nbe1_login: password");
  expect([config.forHost("be1.example.org", "login"), config.forHost("be2", "login")]).toEqual(["password", "master"]);
});
