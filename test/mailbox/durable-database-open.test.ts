import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = join(import.meta.dir, "support/open-databases.ts");

test("several processes may open a database that does not exist yet at the same moment", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-database-"));
  try {
    const words = [folder, "40", String(Date.now() + 500)];
    const children = Array.from({ length: 3 }, () =>
      Bun.spawn([process.execPath, program, ...words], { stdio: ["ignore", "ignore", "pipe"] }),
    );
    const complaints = await Promise.all(children.map((child) => child.stderr.text()));
    expect(complaints).toEqual(["", "", ""]);
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 30_000);
