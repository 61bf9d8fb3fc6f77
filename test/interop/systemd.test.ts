// systemd takes the units of examples/.

import { expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../support/client-program.ts";
import { root } from "../support/sources.ts";

test("systemd-analyze verify has nothing to say about examples/systemd", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-units-"));
  try {
    const units = join(root, "examples/systemd");
    // What is installed elsewhere stands in for our program: systemd looks whether it is there.
    copyFileSync("/bin/true", join(folder, "ctl_mupdate"));
    const names = readdirSync(units);
    for (const name of names) {
      const text = readFileSync(join(units, name), "utf8").replace("/usr/local/bin/", `${folder}/`);
      writeFileSync(join(folder, name), text);
    }
    const end = await runProgram(["systemd-analyze", "verify", "--man=no", ...names.map((name) => join(folder, name))]);
    // Where systemd does not run it says so; what it says of the units names them.
    const remarks = `${end.output}${end.errors}`
      .split("\n")
      .filter((line) => names.some((name) => line.includes(name)));
    expect([end.code, remarks]).toEqual([0, []]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
