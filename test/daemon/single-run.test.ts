// One run at a time: the second is told who has the lock, and a killed run leaves nothing to clean up.

import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodeFor, exitCodes } from "../../lib/cli/exit-code.ts";
import { claimSingleRun, RunUnderWay } from "../../lib/daemon/single-run.ts";
import { startProcess } from "../support/process.ts";
import { root } from "../support/sources.ts";

const newFolder = () => mkdtempSync(join(tmpdir(), "iatlas-run-"));

test("claimSingleRun() refuses a second run until the first releases it", () => {
  const folder = newFolder();
  const held = claimSingleRun(folder, "sync");
  expect(() => claimSingleRun(folder, "sync")).toThrow(
    `Another run is under way (process ${process.pid} has locked ${folder}/sync.lock)`,
  );
  claimSingleRun(folder, "other").release();
  held.release();
  claimSingleRun(folder, "sync").release();
});

test("claimSingleRun() exits with 75 when another run is under way, 78 without a folder for the lock", () => {
  expect(exitCodeFor(new RunUnderWay("x"))).toBe(exitCodes.temporaryFailure);
  try {
    claimSingleRun("/nonexistent", "sync");
    expect.unreachable();
  } catch (fault) {
    expect(exitCodeFor(fault)).toBe(exitCodes.config);
  }
});

test("claimSingleRun() is free again after kill -9 of the run that had it", async () => {
  const folder = newFolder();
  await using run = startProcess(join(root, "test/fixtures/daemon/single-run.ts"), [folder, "sync"]);
  await run.logged("claimed");
  expect(() => claimSingleRun(folder, "sync")).toThrow(`process ${run.pid} has locked`);
  run.kill("SIGKILL");
  await run.exited;
  claimSingleRun(folder, "sync").release();
});
