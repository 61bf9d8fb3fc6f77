import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectLines } from "../support/line-client.ts";
import { startProcess, type TestProcess } from "../support/process.ts";

const echo = join(import.meta.dir, "../fixtures/daemon/echo.ts");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-daemon-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function config(name: string, text = ""): string {
  const path = join(folder, `${name}.conf`);
  writeFileSync(path, `configdirectory: ${folder}/${name}\nlog_target: stderr\nimap_admins: root\n${text}`);
  return path;
}

async function portOf(child: TestProcess): Promise<string> {
  const line = await child.logged("ready addresses=");
  return `127.0.0.1:${/addresses=(\d+)/.exec(line)![1]}`;
}

test("a service runs without master, drains on SIGTERM and ends with 0", async () => {
  await using child = startProcess(echo, ["-C", config("alone"), "-U", "30", "--listen", "127.0.0.1:0"]);
  await using client = await connectLines(await portOf(child));
  expect(await client.line()).toBe("hello imap root clear");
  client.send("again\r\n");
  expect(await client.line()).toBe("again");
  child.kill("SIGTERM");
  expect(await client.line()).toBe("bye");
  expect(await client.line()).toBeUndefined();
  expect(await child.exited).toBe(0);
});

test("a service listens on several addresses, among them unix sockets", async () => {
  const path = join(folder, "several.sock");
  await using child = startProcess(echo, ["-C", config("several"), "--listen", path, "--listen", "[::1]:0"]);
  await child.logged("ready addresses=");
  await using client = await connectLines(path);
  expect(await client.line()).toBe("hello imap root clear");
});

test("sessions that do not end are cut off after drain_timeout", async () => {
  const path = config("stubborn", "drain_timeout: 0\n");
  await using child = startProcess(echo, ["-C", path, "--stubborn", "--listen", "127.0.0.1:0"]);
  await using client = await connectLines(await portOf(child));
  await client.line();
  child.kill("SIGTERM");
  expect(await client.line()).toBeUndefined();
  expect(await child.exited).toBe(0);
  expect(child.lines.some((line) => line.includes("drain timeout passed connections=1"))).toBe(true);
});

test("the status page tells state and metrics, and removes what killed processes left", async () => {
  const sockets = join(folder, "status", "socket");
  await using killed = startProcess(echo, ["-C", config("status"), "--listen", "127.0.0.1:0"]);
  await killed.logged("ready");
  killed.kill("SIGKILL");
  await killed.exited;
  expect(existsSync(join(sockets, `imap-${killed.pid}.status`))).toBe(true);

  await using child = startProcess(echo, ["-C", config("status"), "--listen", "127.0.0.1:0"]);
  await using client = await connectLines(await portOf(child));
  await client.line();
  const unix = join(sockets, `imap-${child.pid}.status`);
  const status = await (await fetch("http://x/", { unix })).json();
  expect(status).toMatchObject({ program: "imapd", service: "imap", pid: child.pid, connections: 1, sessions: 1 });
  expect(await (await fetch("http://x/metrics", { unix })).text()).toContain("iatlas_connections_total 1\n");
  expect(readdirSync(sockets)).toEqual([`imap-${child.pid}.status`]);
  child.kill("SIGTERM");
  await child.exited;
  expect(readdirSync(sockets)).toEqual([]);
});

test("SIGHUP reads the configuration again; one with errors is refused", async () => {
  const path = config("reload");
  await using child = startProcess(echo, ["-C", path, "--listen", "127.0.0.1:0"]);
  await child.logged("ready");
  writeFileSync(path, "timeout: never\n");
  child.kill("SIGHUP");
  expect(await child.logged("not reloaded")).toContain(`${path}: configdirectory is not set`);
  config("reload");
  child.kill("SIGHUP");
  await child.logged(": reloaded");
});

test("a service with a wrong configuration ends with 78 and tells every problem", async () => {
  const path = config("wrong", "timeout: never\nmupdate_port: x\n");
  await using child = startProcess(echo, ["-C", path]);
  expect(await child.exited).toBe(78);
  expect(child.lines).toEqual([
    `echo: ${path}:4: timeout: "never" is not a duration (such as 90s, 1h30m)`,
    `echo: ${path}:5: mupdate_port: "x" is not a whole number`,
  ]);
});

test("-s without a certificate is refused", async () => {
  await using child = startProcess(echo, ["-C", config("tls"), "-s", "--listen", "127.0.0.1:0"]);
  expect(await child.exited).toBe(78);
  expect(child.lines[0]).toBe("echo: -s needs tls_server_cert, which is not set");
});

test("a service whose address is taken ends with one line that names it", async () => {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  await using child = startProcess(echo, ["-C", config("taken"), "--listen", `127.0.0.1:${taken.port}`]);
  expect(await child.exited).toBe(71);
  expect(child.lines).toEqual([`echo: Cannot listen on 127.0.0.1:${taken.port}: Address already in use`]);
  taken.stop();
});
