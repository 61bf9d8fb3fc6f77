import { expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programs } from "../../bin/iatlas.ts";
import { version } from "../../lib/cli/command.ts";
import { runToEnd } from "../support/command-line.ts";
import { root } from "../support/sources.ts";

test("the build makes one executable that is each program by its name, also copied away alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-build-"));
  try {
    const bin = join(folder, "bin");
    await runToEnd(process.execPath, [join(root, "tools/build.ts"), "--outdir", bin]);
    for (const name of Object.keys(programs)) {
      expect((await runToEnd(join(bin, name), ["--version"])).stdout).toBe(`${name} ${version}\n`);
      expect(statSync(join(bin, name)).ino).toBe(statSync(join(bin, "iatlas")).ino);
    }
    copyFileSync(join(bin, "imapd"), join(folder, "imapd"));
    rmSync(bin, { recursive: true });
    expect((await runToEnd(join(folder, "imapd"), ["--version"])).stdout).toBe(`imapd ${version}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
