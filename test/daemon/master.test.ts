import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { connectLines } from "../support/line-client.ts";
import { greet } from "../support/master.ts";
import { gone, startProcess } from "../support/process.ts";

const root = join(import.meta.dir, "../..");

/** A copy of bin/ that has the fixtures as its programs. */
let bin: string;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-master-process-"));
  bin = join(folder, "bin");
  mkdirSync(bin);
  symlinkSync(join(root, "lib"), join(folder, "lib"));
  symlinkSync(join(root, "package.json"), join(folder, "package.json"));
  writeFileSync(join(bin, "master.ts"), readFileSync(join(root, "bin/master.ts")));
  for (const fixture of ["master/greeter.ts", "daemon/echo.ts"]) {
    const text = readFileSync(join(root, "test/fixtures", fixture), "utf8");
    writeFileSync(join(bin, basename(fixture)), text.replaceAll("../../../lib/", "../lib/"));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Files {
  readonly directory: string;
  readonly cyrusConf: string;
  readonly argv: readonly string[];
}

function files(name: string, services: string): Files {
  const directory = join(folder, name);
  mkdirSync(directory);
  const imapdConf = join(directory, "imapd.conf");
  const cyrusConf = join(directory, "cyrus.conf");
  writeFileSync(
    imapdConf,
    `configdirectory: ${directory}\nlog_target: stderr\nlog_level: debug\nsecond_admins: boss\n`,
  );
  writeFileSync(cyrusConf, services.replaceAll("$DIR", directory));
  return { directory, cyrusConf, argv: ["-C", imapdConf, "-M", cyrusConf] };
}

function startMaster({ argv }: Files, environment = {}) {
  return startProcess(join(bin, "master.ts"), argv, environment);
}

test("master hands its sockets and imapd.conf to services, is ready when they are, and ends with them", async () => {
  const it = files(
    "serves",
    `SERVICES {\n first cmd="echo" listen="$DIR/a" prefork=1 maxchild=1\n second cmd="echo" listen="$DIR/b"\n}`,
  );
  await using master = startMaster(it, { BUN_OPTIONS: "--smol" });
  await master.logged(": ready services=2");
  expect(readFileSync(join(it.directory, "master.ready"), "utf8")).toBe(`${master.pid}\n`);
  expect(readFileSync(join(it.directory, "master.pid"), "utf8")).toBe(`${master.pid}\n`);
  await using one = await connectLines(`${it.directory}/a`);
  expect(await one.line()).toBe("hello first  clear");
  await using two = await connectLines(`${it.directory}/a`);
  expect(await two.line()).toBe("no full");
  await using other = await connectLines(`${it.directory}/b`);
  expect(await other.line()).toBe("hello second boss clear");
  master.kill("SIGTERM");
  expect(await one.line()).toBe("bye");
  expect(await other.line()).toBe("bye");
  expect(await master.exited).toBe(0);
  expect(["master.ready", "master.pid", "a", "b"].filter((name) => existsSync(join(it.directory, name)))).toEqual([]);
});

test("a second master on the same configdirectory is refused and says which process holds it", async () => {
  const it = files("twice", "");
  await using master = startMaster(it);
  await master.logged(": ready");
  await using second = startMaster(it);
  expect(await second.exited).toBe(71);
  expect(second.lines.at(-1)).toBe(
    `master: Cannot lock ${it.directory}/master.pid: another master is running (process ${master.pid})`,
  );
});

test("kill -9 of master ends its workers", async () => {
  const it = files("killed", `SERVICES {\n echo cmd="echo" listen="$DIR/a" prefork=2\n}`);
  await using master = startMaster(it);
  await master.logged(": ready");
  const page = await fetch("http://x/", { unix: `${it.directory}/socket/master-${master.pid}.status` });
  const { services } = (await page.json()) as { services: { workers: { pid: number }[] }[] };
  const pids = services[0]!.workers.map(({ pid }) => pid);
  expect(pids.length).toBe(2);
  master.kill("SIGKILL");
  await Promise.all(pids.map((pid) => gone(pid)));
  await using next = startMaster(it);
  await next.logged(": ready services=1");
});

test("SIGHUP takes a changed cyrus.conf and refuses one with errors", async () => {
  const it = files("hup", `SERVICES {\n one cmd="greeter" listen="$DIR/a" prefork=1\n}`);
  await using master = startMaster(it);
  await master.logged(": ready");
  const before = await greet(`${it.directory}/a`);
  expect(before.argv).toEqual(it.argv.slice(0, 2));
  writeFileSync(it.cyrusConf, "SERVICES {\n one cmd=\n");
  master.kill("SIGHUP");
  expect(await master.logged("not reloaded")).toContain(`${it.cyrusConf}:2: one: `);
  expect((await greet(`${it.directory}/a`)).pid).toBe(before.pid);
  writeFileSync(it.cyrusConf, `SERVICES {\n two cmd="greeter" listen="${it.directory}/b" prefork=1\n}`);
  master.kill("SIGHUP");
  await master.logged("reconfigured services=1");
  expect((await greet(`${it.directory}/b`)).CYRUS_SERVICE).toBe("two");
});

test("-d goes to the background and tells at once what is wrong", async () => {
  const it = files("background", `SERVICES {\n one cmd="greeter" listen="$DIR/a" prefork=1\n}`);
  await using foreground = startProcess(join(bin, "master.ts"), [...it.argv, "-d", "-L", join(it.directory, "log")]);
  expect(await foreground.exited).toBe(0);
  const pid = Number(readFileSync(join(it.directory, "master.pid"), "utf8"));
  expect(pid).not.toBe(foreground.pid);
  await using again = startProcess(join(bin, "master.ts"), [...it.argv, "-d"]);
  expect(await again.exited).toBe(71);
  process.kill(pid, "SIGTERM");
  await gone(pid);
  expect(readFileSync(join(it.directory, "log"), "utf8")).toContain(`master[${pid}]: ending signal=SIGTERM`);
});

test("master does not start with a wrong cyrus.conf", async () => {
  const it = files("wrong", "SERVICE {\n}\n");
  await using master = startMaster(it);
  expect(await master.exited).toBe(78);
  expect(master.lines).toEqual([`master: ${it.cyrusConf}:1: SERVICE: unknown section (did you mean "SERVICES"?)`]);
});

test("twelve services without prefork all start at their first connection", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
  const services = names.map((name) => ` ${name} cmd="greeter" listen="$DIR/${name}"`).join("\n");
  const it = files("many", `SERVICES {\n${services}\n}`);
  await using master = startMaster(it);
  await master.logged(": ready services=12");
  for (const name of ["s3", "s11"]) expect((await greet(`${it.directory}/${name}`)).CYRUS_SERVICE).toBe(name);
  expect(master.lines.filter((line) => line.includes("Warning"))).toEqual([]);
});
