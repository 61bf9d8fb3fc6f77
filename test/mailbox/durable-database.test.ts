// The small databases that processes share: what is on disk may be damaged, or from another version.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { describeFault, No } from "../../lib/base/fault.ts";
import { exitCodeFor, exitCodes } from "../../lib/cli/exit-code.ts";
import { DurableDatabase, migrateWith } from "../../lib/mailbox/durable-database.ts";

const migrate = migrateWith(["CREATE TABLE fruit (name TEXT PRIMARY KEY, colour TEXT)"]);
const open = (path: string) => new DurableDatabase({ path, clock: systemClock, migrate });

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "iatlas-database-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function faultOf(action: () => unknown): unknown {
  try {
    action();
  } catch (fault) {
    return fault;
  }
  return undefined;
}

async function databaseWithRows(path: string, count: number): Promise<void> {
  const database = open(path);
  await database.write(() => {
    const insert = database.db.query("INSERT INTO fruit VALUES (?, ?)");
    for (let i = 0; i < count; i++) insert.run(`fruit ${i}`, "red".repeat(30));
  });
  database.close();
}

function overwrite(path: string, position: number, length: number): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, Buffer.alloc(length, 0xa5), 0, length, position);
  closeSync(descriptor);
}

test.each<[string, (path: string) => void | Promise<void>]>([
  ["is no database", (path) => writeFileSync(path, "user.ann\tdefault\tann lrs\n".repeat(200))],
  ["is a folder", (path) => open(join(path, "inside.db")).close()],
  [
    "has lost its definitions",
    async (path) => {
      await databaseWithRows(path, 1);
      overwrite(path, 100, 3000);
    },
  ],
  ["was written by a newer version", (path) => new Database(path, { create: true }).run("PRAGMA user_version = 9")],
])("a file that %s is refused for now, in one line that names it", async (_what, damage) => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.db");
  await damage(path);
  const fault = faultOf(() => open(path));
  expect(fault).toBeInstanceOf(No);
  expect(fault).toMatchObject({ code: "UNAVAILABLE" });
  expect(describeFault(fault)).toMatch(new RegExp(`^Cannot open "${path}": [^\\n]+$`));
  expect(exitCodeFor(fault)).toBe(exitCodes.ioError);
});

test("a change that meets a damaged page is refused for now and undone", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.db");
  await databaseWithRows(path, 500);
  const { size } = statSync(path);
  overwrite(path, 4096, size - 4096);
  const database = open(path);
  const change = database.write(() => database.db.run("UPDATE fruit SET colour = 'green'"));
  const fault = await change.catch((thrown: unknown) => thrown);
  expect(fault).toBeInstanceOf(No);
  expect(fault).toMatchObject({ code: "UNAVAILABLE" });
  expect(database.db.inTransaction).toBe(false);
  database.close();
  expect(readFileSync(path).length).toBe(size);
});

test("the log stays short under writes that never pause, and is moved by another thread than theirs", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "fruit.db");
  const database = new DurableDatabase({ path, clock: systemClock, migrate, checkpointPages: 20 });
  const insert = database.db.query("INSERT INTO fruit VALUES (?, ?)");
  for (let round = 0; round < 100; round += 1) {
    await database.write(() => {
      for (let i = 0; i < 20; i += 1) insert.run(`${round} ${i}`, "x".repeat(4000));
    });
  }
  // Some 2,500 pages were written, and SQLite itself would have begun at 640.
  expect(statSync(`${path}-wal`).size).toBeLessThan(500 * 4096);
  database.close();
});
