import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { openState, prepareFolder, registerAccounts } from "../../lib/cli/demo/accounts.ts";
import { prepareCertificates } from "../../lib/cli/demo/certificates.ts";
import { importMail } from "../../lib/cli/demo/import-mail.ts";
import { cyrusConfPath, imapdConfPath, writeNodeConfigs } from "../../lib/cli/demo/node-config.ts";
import { planDemo } from "../../lib/cli/demo/plan.ts";
import { requireFreePorts } from "../../lib/cli/demo/ports.ts";
import { reportJson } from "../../lib/cli/demo/report.ts";
import { loadCyrusConf } from "../../lib/config/cyrus-conf.ts";
import { loadConfig } from "../../lib/config/load-config.ts";
import { roleOf } from "../../lib/config/role.ts";
import { backendAddress } from "../../lib/murder/backend-address.ts";
import { freePorts } from "../support/demo.ts";

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "iatlas-demo-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("the demo's files are read without a warning and make each node what it is to be", async () => {
  using folder = temporaryFolder();
  const plan = planDemo(folder.path, 20_000);
  const { accounts } = openState(plan);
  writeNodeConfigs(plan, accounts);
  const roles = plan.nodes.map((node) => {
    const { config, warnings } = loadConfig(imapdConfPath(node), "imap");
    const conf = loadCyrusConf(cyrusConfPath(node));
    expect([...warnings, ...conf.warnings]).toEqual([]);
    expect(conf.services.map(({ listen }) => listen).filter((listen) => !listen.startsWith("127.0.0.1:"))).toEqual(
      node.role === "mupdate" ? [] : [`${node.folder}/socket/lmtp`],
    );
    return [node.name, roleOf(config)];
  });
  expect(roles).toEqual([
    ["mupdate", "single"],
    ["backend1", "backend"],
    ["backend2", "backend"],
    ["frontend1", "frontend"],
    ["frontend2", "frontend"],
  ]);
  const { config } = loadConfig(imapdConfPath(plan.frontends[1]!), "imap");
  expect(backendAddress(config, "backend2", "lmtp")).toEqual({ host: "127.0.0.1", port: 20_044 });
  expect(config.forHost("backend1", "password")).toBe(accounts.proxy.password);
});

test("openState() remembers the accounts, and prepareFolder() refuses a folder that is not a demo's", async () => {
  using folder = temporaryFolder();
  const plan = planDemo(folder.path, 20_000);
  const first = openState(plan);
  await registerAccounts(plan, first.accounts);
  await registerAccounts(plan, first.accounts); // an interrupted start is done again
  expect(openState(plan)).toEqual(first);
  using other = temporaryFolder();
  writeFileSync(join(other.path, "thesis.tex"), "");
  expect(() => prepareFolder(planDemo(other.path, 20_000))).toThrow("is not empty and holds no demo");
});

test("prepareCertificates() keeps certificates while they last and then makes new ones", async () => {
  using folder = temporaryFolder();
  const plan = planDemo(folder.path, 20_000);
  const read = () => readFileSync(join(plan.backends[0]!.folder, "cert.pem"), "utf8");
  await prepareCertificates(plan, Date.now());
  const first = read();
  const certificate = new X509Certificate(first);
  expect(certificate.checkHost("backend1")).toBe("backend1");
  expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
  await prepareCertificates(plan, Date.now());
  expect(read()).toBe(first);
  await prepareCertificates(plan, Date.now() + 29 * 86_400_000);
  expect(read()).not.toBe(first);
});

test("planDemo() refuses ports and folders that cannot do", () => {
  expect(() => planDemo("/tmp/demo", 65_500)).toThrow("--ports: 65500 leaves no room");
  expect(() => planDemo(`/tmp/${"d".repeat(70)}`, 20_000)).toThrow("is too long for the paths of sockets");
  const ports = planDemo("/tmp/demo", 20_000).nodes.flatMap((node) => Object.values(node.ports));
  expect(new Set(ports).size).toBe(ports.length);
});

test("requireFreePorts() names the port that is taken, its service and the way out", () => {
  const first = freePorts();
  const listener = Bun.listen({ hostname: "127.0.0.1", port: first + 11, socket: { data() {} } });
  expect(() => requireFreePorts(planDemo("/tmp/demo", first))).toThrow(
    new RegExp(`127\\.0\\.0\\.1:${first + 11} for imap of frontend1: .*\n.*--ports BASE`),
  );
  listener.stop(true);
});

test("reportJson() is one line with addresses, users, the administrator and process ids", async () => {
  using folder = temporaryFolder();
  const plan = planDemo(folder.path, 20_000);
  const { accounts } = openState(plan);
  const line = reportJson({ plan, accounts, pids: { mupdate: 7 } });
  expect(line).toEndWith("}\n");
  expect(JSON.parse(line)).toMatchObject({
    frontends: [
      { imap: "127.0.0.1:20011", imaps: "127.0.0.1:20012", pop3: "127.0.0.1:20013", lmtp: "127.0.0.1:20014" },
      {},
    ],
    backends: [{ imap: "127.0.0.1:20031", pop3: "127.0.0.1:20033", lmtp: "127.0.0.1:20034" }, {}],
    mupdate: "127.0.0.1:20000",
    users: [{ user: "ann", password: expect.stringMatching(/^[a-z2-9]{12}$/) }, {}, {}, {}],
    admin: { user: "cyrus" },
    pids: { mupdate: 7 },
  });
});

test("importMail() has as many messages under way as there are senders, and delivers each once", async () => {
  const delivered: string[] = [];
  let waiting: (() => void)[] = [];
  const sender = {
    isOpen: true,
    async deliver(_recipients: readonly string[], message: Uint8Array) {
      delivered.push(Buffer.from(message).toString());
      // Nobody's message is taken before all three senders have one.
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        release();
      });
    },
  };
  const release = () => {
    if (waiting.length < 3) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const numbers = Array.from({ length: 21 }, (_, at) => String(at));
  await importMail({
    source: {
      kind: "folder",
      count: 21,
      async *messages() {
        for (const name of numbers) yield { name, message: Buffer.from(name) };
      },
    },
    recipient: "ann",
    senders: [sender, sender, sender],
    clock: new ManualClock(),
    signal: new AbortController().signal,
    report: () => {},
  });
  expect(delivered.sort((a, b) => Number(a) - Number(b))).toEqual(numbers);
});

test("importMail() tells of each message that is refused and goes on, but not without a connection", async () => {
  const reports: string[] = [];
  const sent: string[] = [];
  const sender = {
    isOpen: true,
    async deliver(_recipients: readonly string[], message: Uint8Array) {
      const text = Buffer.from(message).toString();
      if (text === "bad") throw new No(undefined, "554 5.6.0 Message contains NUL characters");
      if (text === "last") sender.isOpen = false;
      if (!sender.isOpen) throw new No("UNAVAILABLE", "closed the connection");
      sent.push(text);
    },
  };
  const run = (...texts: string[]) =>
    importMail({
      source: {
        kind: "folder",
        count: texts.length,
        async *messages() {
          for (const text of texts) {
            yield text === "?" ? { name: text, problem: "EACCES" } : { name: text, message: Buffer.from(text) };
          }
        },
      },
      recipient: "ann",
      senders: [sender],
      clock: new ManualClock(),
      signal: new AbortController().signal,
      report: (name, problem) => reports.push(`${name}: ${problem}`),
    });
  expect(await run("a", "bad", "?", "b")).toEqual({ delivered: 2, failed: 2 });
  expect(sent).toEqual(["a", "b"]);
  expect(reports).toEqual(["bad: 554 5.6.0 Message contains NUL characters", "?: EACCES"]);
  await expect(run("last", "never")).rejects.toThrow("closed the connection");
});
