import { expect, test } from "bun:test";
import { join } from "node:path";

const tool = join(import.meta.dir, "../fixtures/cli/tool.ts");

async function run(...argv: string[]) {
  const child = Bun.spawn([process.execPath, tool, ...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}

test("main() shows usage on stderr and ends with 64 for a wrong command line", async () => {
  const { code, stdout, stderr } = await run("--line", "3");
  expect(code).toBe(64);
  expect(stdout).toBe("");
  expect(stderr).toStartWith(
    'tool: Unknown option --line (did you mean "--lines"?)\n\nUsage: tool [options] [fault]\n',
  );
});

test("main() answers --help and --version on stdout", async () => {
  expect((await run("--help")).stdout).toStartWith("Usage: tool [options] [fault]\n");
  expect((await run("-V")).stdout).toMatch(/^tool \d+\.\d+\.\d+\n$/);
});

test("main() ends with 75 and one line for a temporary fault", async () => {
  const { code, stderr } = await run("temporary");
  expect([code, stderr]).toEqual([75, "tool: Cannot reach mupdate.example.org\n"]);
});

test("main() ends with 70 and a stack for a defect", async () => {
  const { code, stderr } = await run("defect");
  expect(code).toBe(70);
  expect(stderr).toContain("TypeError: no such thing\n    at ");
});

test("main() ends quietly when the reader of its output goes away", async () => {
  const shell = Bun.spawn(
    ["bash", "-c", `"$0" "$1" -n 100000 | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, tool],
    {
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  expect(await shell.stdout.text()).toBe("line 0\n0\n");
  expect(await shell.stderr.text()).toBe("");
});
