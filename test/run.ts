// `npm test`: format, lint, types and tests, one after the other, each to its end even when an earlier one failed. The last
// line is "N passed, N failed, N skipped"; a stage without tests of its own counts as one. The tests with other people's
// clients and servers (test/interop) run only with IATLAS_INTEROP set, because they need packages of the system.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const root = join(import.meta.dir, "..");
const installed = (name: string) => join(root, "node_modules/.bin", name);
const stageLimitMs = 3 * 60_000;
const testsLimitMs = 11 * 60_000;

const stages: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "format", command: [installed("biome"), "format", "."] },
  { name: "lint", command: [installed("biome"), "lint", "."] },
  { name: "types", command: [installed("tsc"), "--noEmit"] },
];

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const total: Count = { passed: 0, failed: 0, skipped: 0 };
for (const stage of stages) add(await runStage(stage.name, stage.command));
for (const [name, files] of testRuns()) add(await runTests(name, files));
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);

function add(count: Count): void {
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}

async function runStage(name: string, command: readonly string[]): Promise<Count> {
  const { ok, output } = await run(command, stageLimitMs);
  report(name, ok, ok ? "" : output);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** The clients of test/interop start whole murders and are run after the rest. */
function testRuns(): [name: string, selection: readonly string[]][] {
  const own: [string, string[]] = ["tests", ["--path-ignore-patterns", "**/test/interop/**", "test"]];
  return process.env.IATLAS_INTEROP ? [own, ["interop", ["./test/interop"]]] : [own];
}

async function runTests(name: string, selection: readonly string[]): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-test-"));
  try {
    const results = join(folder, "junit.xml");
    const junit = ["--reporter=junit", `--reporter-outfile=${results}`];
    const command = [process.execPath, "test", "--timeout=30000", "--only-failures", ...junit, ...selection];
    const { ok, output } = await run(command, testsLimitMs);
    const count = readCount(results);
    // A file that cannot be loaded, or a crash, is no test and yet a failure.
    if (!ok && count.failed === 0) count.failed = 1;
    report(name, ok, ok ? "" : output, count);
    return count;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The sums are in the attributes of the root element. */
function readCount(path: string): Count {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // The tests ended before there were results; the caller counts that.
  }
  const head = /<testsuites\b[^>]*>/.exec(text)?.[0] ?? "";
  const number = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  const skipped = number("skipped");
  return { passed: number("tests") - failed - skipped, failed, skipped };
}

/** Output in the order of writing, as the shell joins both streams; a command past its limit is killed with its children. */
async function run(command: readonly string[], limitMs: number): Promise<{ ok: boolean; output: string }> {
  const child = Bun.spawn(["sh", "-c", 'exec "$@" 2>&1', "sh", ...command], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, NO_COLOR: "1" },
    detached: true,
  });
  let isLate = false;
  const kill = () => process.kill(-child.pid, "SIGKILL");
  const deadline = setTimeout(() => {
    isLate = true;
    kill();
  }, limitMs);
  process.once("exit", kill);
  const output = await child.stdout.text();
  const code = await child.exited;
  process.off("exit", kill);
  clearTimeout(deadline);
  return { ok: code === 0, output: isLate ? `${output}\nKilled after ${limitMs / 60_000} minutes` : output };
}

function report(name: string, ok: boolean, output: string, count?: Count): void {
  const numbers = count ? ` (${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped)` : "";
  console.log(`${ok ? "ok  " : "FAIL"} ${name}${numbers}`);
  if (output.trim() !== "") console.log(`${output.trimEnd().replace(/^/gm, "     ")}\n`);
}
