// `iatlas demo` as a person runs it: real processes, real sockets.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newState, writeState } from "../../lib/cli/demo/accounts.ts";
import { planDemo } from "../../lib/cli/demo/plan.ts";
import { freePorts, type RunningDemo, startDemo } from "../support/demo.ts";
import { connectLines, type LineClient } from "../support/line-client.ts";
import { gone } from "../support/process.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-demo-"));
const iatlas = join(import.meta.dir, "../../bin/iatlas.ts");
afterAll(() => rmSync(folder, { recursive: true }));

/** Sends a command and gives the answer's lines up to the tagged one. */
async function ask(client: LineClient, command: string): Promise<string[]> {
  client.send(`a ${command}\r\n`);
  const lines: string[] = [];
  for (;;) {
    const line = await client.line();
    if (line === undefined) throw new Error(`Closed after ${lines.join("\n")}`);
    lines.push(line);
    if (line.startsWith("a ")) return lines;
  }
}

async function logIn(address: string, user: string, password: string): Promise<LineClient> {
  const client = await connectLines(address);
  await client.line();
  expect((await ask(client, `LOGIN ${user} ${password}`)).at(-1)).toStartWith("a OK ");
  return client;
}

/** How many messages each user sees in INBOX and in the shared folder, through one frontend and the other in turn. */
async function countMail({ report }: RunningDemo): Promise<Record<string, string[]>> {
  const counts = report.users.map(async ({ user, password }, at): Promise<[string, string[]]> => {
    await using client = await logIn(report.frontends[at % 2]!.imap, user, password);
    const inbox = await ask(client, "SELECT INBOX");
    const shared = await ask(client, 'STATUS "Shared Folders/bulletin" (MESSAGES)');
    return [user, [...inbox.filter((line) => line.endsWith(" EXISTS")), shared[0]!]];
  });
  return Object.fromEntries(await Promise.all(counts));
}

function run(...argv: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, iatlas, ...argv], { stdin: "ignore" });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test("iatlas demo shows every user's mail through both frontends, ends without a trace, and finds the mail again", async () => {
  const ports = freePorts();
  const mbox = join(folder, "mbox");
  const from = "From x@example.org Sat Jan  3 01:05:34 1996";
  writeFileSync(mbox, `${from}\nSubject: one\n\n>From x\n\n${from}\nSubject: two\n\n..\n`);
  const directory = join(folder, "demo");
  await using first = await startDemo(directory, ports, "--import", mbox, "--user", "bob");
  expect(first.output.trimEnd()).not.toContain("\n");
  const shared = '* STATUS "Shared Folders/bulletin" (MESSAGES 1)';
  const mail = {
    ann: ["* 2 EXISTS", shared],
    bob: ["* 3 EXISTS", shared],
    carl: ["* 1 EXISTS", shared],
    dora: ["* 2 EXISTS", shared],
  };
  expect(await countMail(first)).toEqual(mail);
  const { password } = first.report.users[1]!;
  await using bob = await logIn(first.report.frontends[0]!.imap, "bob", password);
  await ask(bob, "SELECT INBOX");
  // Several are delivered at once: either may be the first.
  const texts = (await ask(bob, "FETCH 2:3 BODY.PEEK[TEXT]")).join("\n");
  expect(texts).toContain("{8}\nFrom x\n)");
  expect(texts).toContain("{4}\n..\n)");
  expect(texts).toMatch(/^a OK/m);

  const status = run("status", "--dir", directory, "--json");
  const rows = status.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows).toContainEqual(
    expect.objectContaining({ node: "frontend1", service: "mupdate", mailboxes: 5, complete: true }),
  );
  expect(rows).toContainEqual(
    expect.objectContaining({ node: "backend1", service: "master", pid: first.report.pids.backend1 }),
  );
  expect(run("demo", "--dir", directory)).toMatchObject({
    exitCode: 75,
    stderr: `iatlas demo: Another demo runs in "${directory}"\n`,
  });
  expect(run("demo", "--dir", join(folder, "other"), "--ports", String(ports))).toMatchObject({
    exitCode: 71,
    stderr: expect.stringContaining(`Cannot listen on 127.0.0.1:${ports} for mupdate of mupdate`),
  });

  const processes = first.processes();
  expect(processes.length).toBeGreaterThan(12);
  expect(await first.end("SIGINT")).toBe(0);
  await Promise.all(processes.map(gone));
  expect(run("status", "--dir", directory)).toMatchObject({ exitCode: 75, stdout: "" });

  await using second = await startDemo(directory, ports);
  expect(await countMail(second)).toEqual(mail);
  expect(second.report.users).toEqual(first.report.users);
  const others = second.processes();
  await second.end("SIGKILL");
  await Promise.all(others.map(gone));
}, 30_000);

test("iatlas demo tells why a node did not start, and stops the others", async () => {
  const directory = join(folder, "broken");
  const ports = freePorts();
  mkdirSync(join(directory, "backend2"), { recursive: true });
  writeState(planDemo(directory, ports), newState());
  writeFileSync(join(directory, "backend2/mailboxes.db"), "this is no database".repeat(100));
  const { exitCode, stdout, stderr } = run("demo", "--dir", directory, "--ports", String(ports));
  expect([exitCode, stdout]).toEqual([75, ""]);
  expect(stderr).toContain("backend2 ended at its start");
  expect(stderr).toContain("not a database");
}, 30_000);
