import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd } from "../support/command-line.ts";

let folder: string;
let imapdConf: string;
let cyrusConf: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-config-"));
  imapdConf = join(folder, "imapd.conf");
  cyrusConf = join(folder, "cyrus.conf");
  writeFileSync(
    imapdConf,
    [
      "configdirectory: /var/imap",
      "partition-default: /var/spool/imap",
      "altnamespace: yes",
      "imaps_admins: ann",
      "proxy_password: secret",
      "back1_password: secret",
    ].join("\n"),
  );
  writeFileSync(cyrusConf, 'SERVICES {\n  imaps cmd="imapd -s" listen="imaps"\n}\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const config = (...argv: readonly string[]) => runToEnd("iatlas", ["config", ...argv]);

test("config lint finds nothing in a right configuration", async () => {
  expect(await config("lint", "-C", imapdConf, "-M", cyrusConf)).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("config lint tells what is wrong in the maps of a multiplexer", async () => {
  const map = join(folder, "popmap");
  writeFileSync(
    imapdConf,
    `configdirectory: /var/imap\nproxy_mode: multiplexer\nproxy_map: ${map}\ndefaultserver: a b\n`,
  );
  writeFileSync(map, "ann: be1\nbob\n");
  const { code, stdout } = await config("lint", "-C", imapdConf, "-M", cyrusConf);
  expect([code, stdout]).toEqual([
    78,
    `error: ${map}:2: not a home (expected "user: server")\n` +
      'error: defaultserver: "a b" is not a server name: expected "host" or "host:port"\n',
  ]);
});

test("config lint tells of typos, and ends with 78 for what a program would refuse", async () => {
  writeFileSync(imapdConf, "configdirectory: /var/imap\nmupdate_prot: 3905\nimaps_altnamespace: maybe\n");
  writeFileSync(cyrusConf, 'SERVICES {\n  imaps cmd="imapd -s"\n}\n');
  const { code, stdout } = await config("lint", "-C", imapdConf, "-M", cyrusConf);
  expect(code).toBe(78);
  expect(stdout).toContain(`${imapdConf}:3: altnamespace: "maybe"`);
  expect(stdout).toContain(`error: ${cyrusConf}:2: imaps: listen=`);
  writeFileSync(imapdConf, "configdirectory: /var/imap\nmupdate_prot: 3905\n");
  const warned = await config("lint", "-C", imapdConf);
  expect([warned.code, warned.stdout]).toEqual([
    0,
    `warning: ${imapdConf}:2: mupdate_prot: unknown option (did you mean "mupdate_port"?)\n`,
  ]);
});

test("config show --changed prints values, where they are from, and no password", async () => {
  const { stdout } = await config("show", "-C", imapdConf, "--changed", "--tsv");
  const from = (line: number) => `${imapdConf}:${line}`;
  // "altnamespace: yes" is the default in other words.
  expect(stdout.trimEnd().split("\n")).toEqual([
    "option\tvalue\tfrom",
    `configdirectory\t/var/imap\t${from(1)}`,
    `proxy_password\t(hidden)\t${from(5)}`,
    `partition-default\t/var/spool/imap\t${from(2)}`,
    `back1_password\t(hidden)\t${from(6)}`,
  ]);
});

test("config show sees an option as a service sees it", async () => {
  const admins = async (...argv: readonly string[]) =>
    JSON.parse((await config("show", "-C", imapdConf, "--json", ...argv, "admins")).stdout);
  expect(await admins()).toEqual({ option: "admins", value: null, from: "default" });
  expect(await admins("-s", "imaps")).toEqual({ option: "admins", value: "ann", from: `${imapdConf}:4` });
});

test("config describe tells of an option, and asks what was meant by an unknown one", async () => {
  const { stdout } = await config("describe", "drain_timeout");
  expect(stdout).toStartWith("drain_timeout: How long sessions may go on");
  expect(stdout).toContain("  Type: duration; a bare number counts seconds\n  Default: 30s\n");
  const { code, stderr } = await config("describe", "drain_timeuot");
  expect([code, stderr.split("\n")[0]]).toEqual([
    64,
    'iatlas config describe: drain_timeuot: unknown option (did you mean "drain_timeout"?)',
  ]);
});
