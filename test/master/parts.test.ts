import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Backoff } from "../../lib/master/backoff.ts";
import { environmentForChildren, scrubEnvironment } from "../../lib/master/environment.ts";
import { AlreadyRunning, claimPidFile } from "../../lib/master/pid-file.ts";
import { commandLine } from "../../lib/master/program-path.ts";
import { fixturePrograms } from "../support/master.ts";

test("Backoff waits after five deaths in ten seconds, ever longer up to a minute, and forgets after health", () => {
  const backoff = new Backoff();
  const delays = Array.from({ length: 12 }, (_, index) => backoff.died(index * 100, 50));
  expect(delays).toEqual([0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  expect(backoff.died(1_000_000, 40_000)).toBe(0);
});

test("Backoff does not mind deaths that are far apart", () => {
  const backoff = new Backoff();
  for (let death = 0; death < 20; death++) expect(backoff.died(death * 3000, 3000)).toBe(0);
});

test("scrubEnvironment() drops what injects code into a Bun program", () => {
  const kept = scrubEnvironment({
    PATH: "/bin",
    BUN_OPTIONS: "--preload=x",
    BUN_BE_BUN: "1",
    NODE_OPTIONS: "-r x",
    LD_PRELOAD: "x",
    TZ: "UTC",
    CYRUS_SERVICE: "x",
  });
  expect(kept).toEqual({ PATH: "/bin", TZ: "UTC" });
});

test("environmentForChildren() gives workers threads for their disks, unless the administrator chose a number", () => {
  expect(environmentForChildren({ TZ: "UTC", BUN_BE_BUN: "1" })).toEqual({ TZ: "UTC", UV_THREADPOOL_SIZE: "32" });
  expect(environmentForChildren({ UV_THREADPOOL_SIZE: "8" })).toEqual({ UV_THREADPOOL_SIZE: "8" });
});

test("commandLine() finds our programs, hands them our imapd.conf, and leaves others alone", () => {
  const programs = { folder: fixturePrograms, runtime: "/bun", configPath: "/c" };
  const greeter = join(fixturePrograms, "greeter.ts");
  expect(commandLine("greeter -U 30", programs)).toEqual(["/bun", greeter, "-C", "/c", "-U", "30"]);
  expect(commandLine("greeter -C /own -s", programs)).toEqual(["/bun", greeter, "-C", "/own", "-s"]);
  expect(commandLine("/bin/sh -c true", programs)).toEqual(["/bin/sh", "-c", "true"]);
  expect(commandLine("sh -c true", programs)[1]).toBe("-c");
  expect(() => commandLine("/nowhere/imapd", programs)).toThrow("Cannot run /nowhere/imapd: no such program");
});

test("claimPidFile() lets one master have the file and names it to the next", () => {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-pid-"));
  const path = join(folder, "master.pid");
  const held = claimPidFile(path, 4711);
  expect(readFileSync(path, "utf8")).toBe("4711\n");
  expect(() => claimPidFile(path, 1)).toThrow(AlreadyRunning);
  expect(() => claimPidFile(path, 1)).toThrow(`Cannot lock ${path}: another master is running (process 4711)`);
  held.release();
  claimPidFile(path, 1).release();
  rmSync(folder, { recursive: true });
});
