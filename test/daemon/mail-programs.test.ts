// lmtpd, lmtpproxyd and pop3d as an administrator starts them: a backend with a mailbox and a frontend in front of it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { openStore } from "../../lib/mailbox/store-sqlite/open-store.ts";
import { describeMessage } from "../../lib/mailbox/structure.ts";
import { type KickServer, kickPath, serveKicks } from "../../lib/mupdate/kick.ts";
import { PasswordFile } from "../../lib/sasl/password-file.ts";
import { entry } from "../support/imap-session.ts";
import { connectLines, type LineClient } from "../support/line-client.ts";
import { startProcess, type TestProcess } from "../support/process.ts";

const bin = join(import.meta.dir, "../../bin");
const folder = mkdtempSync(join(tmpdir(), "mail-"));
const running: TestProcess[] = [];
const uniqueId = "0197a000-0000-7000-8000-000000000001" as UniqueId;
const ports: Record<string, number> = {};
let kicks: KickServer;

beforeAll(async () => {
  const passwords = new PasswordFile(join(folder, "sasldb2"), { create: true });
  for (const user of ["ann", "proxy"]) await passwords.create(user, `${user}-secret`);
  passwords.close();
  configure("be1", ["proxyservers: proxy", "lmtp_admins: proxy", `partition-default: ${join(folder, "spool")}`]);
  await makeMailbox();
  ports.lmtp = await start("be1", "lmtpd");
  ports.pop3 = await start("be1", "pop3d");
  configure("fe", [
    "proxy_authname: proxy",
    "proxy_password: proxy-secret",
    "admins: proxy",
    `be1_lmtp_address: 127.0.0.1:${ports.lmtp}`,
    `be1_pop3_address: 127.0.0.1:${ports.pop3}`,
  ]);
  const list = openMailboxList({ path: join(folder, "fe/mailboxes.db"), clock: systemClock });
  await list.change([{ put: entry("user.ann", "ann lrswipkxtea", { server: "be1.lab" }) }]);
  await list.setComplete(true);
  list.close();
  kicks = await serveKicks(kickPath(join(folder, "fe")), async () => true); // the replica has caught up
  ports.feLmtp = await start("fe", "lmtpproxyd", "-a");
  ports.fePop3 = await start("fe", "pop3d");
});

afterAll(async () => {
  kicks.stop();
  for (const each of running) each.kill("SIGTERM");
  await Promise.all(running.map((each) => each.exited));
  rmSync(folder, { recursive: true });
});

function configure(node: string, more: readonly string[]): void {
  mkdirSync(join(folder, node), { recursive: true });
  const lines = [
    `configdirectory: ${join(folder, node)}`,
    `servername: ${node}.lab`,
    "log_target: stderr",
    "allowplaintext: yes",
    "failedloginpause: 0",
    "mupdate_server: 127.0.0.1:1",
    "sasl_pwcheck_method: auxprop",
    `sasl_sasldb_path: ${join(folder, "sasldb2")}`,
    ...more,
  ];
  writeFileSync(join(folder, `${node}.conf`), `${lines.join("\n")}\n`);
}

async function makeMailbox(): Promise<void> {
  const partitions = new Map([["default", join(folder, "spool")]]);
  const store = openStore({ partitions, log: silentLog, clock: systemClock, describe: describeMessage });
  await store.create(uniqueId, "default", 7);
  await store.close();
  const list = openMailboxList({ path: join(folder, "be1/mailboxes.db"), clock: systemClock });
  await list.change([{ put: entry("user.ann", "ann lrswipkxtea", { uniqueId, uidValidity: 7 }) }]);
  list.close();
}

/** Starts a program on a free port and gives the port. */
async function start(node: string, program: string, ...flags: readonly string[]): Promise<number> {
  const argv = ["-C", join(folder, `${node}.conf`), "--listen", "127.0.0.1:0", ...flags];
  const process = startProcess(join(bin, `${program}.ts`), argv);
  running.push(process);
  return Number(/addresses=(\d+)/.exec(await process.logged("ready"))?.[1]);
}

async function expectLines(client: LineClient, ...starts: readonly string[]): Promise<void> {
  for (const expected of starts) expect(await client.line()).toStartWith(expected);
}

test("mail that is handed to lmtpproxyd is read by POP3 through the frontend (S2, S40, S154)", async () => {
  await using lmtp = await connectLines(`127.0.0.1:${ports.feLmtp}`);
  await expectLines(lmtp, "220 fe.lab");
  lmtp.send("LHLO client.lab\r\n");
  while (!(await lmtp.line())?.startsWith("250 ")) {}
  lmtp.send("MAIL FROM:<a@lab>\r\nRCPT TO:<ann@any.lab>\r\nRCPT TO:<nosuch>\r\nDATA\r\n");
  await expectLines(lmtp, "250 2.1.0", "250 2.1.5", "550 5.1.1 User unknown", "354");
  lmtp.send("Subject: hi\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
  await expectLines(lmtp, "250 2.1.5", "221 2.0.0");

  await using pop3 = await connectLines(`127.0.0.1:${ports.fePop3}`);
  await expectLines(pop3, "+OK fe.lab");
  pop3.send("USER ann\r\nPASS ann-secret\r\nUIDL\r\nTOP 1 1\r\n");
  await expectLines(pop3, "+OK", "+OK Mailbox locked", "+OK", "1 7.1", ".", "+OK", "Return-Path: <a@lab>");
  const text: (string | undefined)[] = [];
  for (let line = await pop3.line(); line !== "."; line = await pop3.line()) text.push(line);
  expect(text.slice(-3)).toEqual(["Subject: hi", "", "..dot"]);
  expect(text.join("\n")).toMatch(/by be1\.lab .* with LMTPA id.*by fe\.lab .* with LMTP id/s);
  pop3.send("DELE 1\r\nQUIT\r\n");
  await expectLines(pop3, "+OK message deleted", "+OK");
  expect(await pop3.line()).toBeUndefined();
});

test("a backend takes mail only from who has authenticated", async () => {
  await using lmtp = await connectLines(`127.0.0.1:${ports.lmtp}`);
  await lmtp.line();
  lmtp.send("LHLO client.lab\r\n");
  while (!(await lmtp.line())?.startsWith("250 ")) {}
  lmtp.send(`MAIL FROM:<>\r\nAUTH PLAIN ${btoa("\0ann\0ann-secret")}\r\nQUIT\r\n`);
  await expectLines(lmtp, "430 4.7.0", "535 5.7.8", "221 2.0.0");
});
