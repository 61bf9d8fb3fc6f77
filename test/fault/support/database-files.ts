// The files of an SQLite database whose program does not run: put aside, put back, lost.

import { copyFileSync, existsSync, rmSync } from "node:fs";

/** -shm is made anew. */
const ends = ["", "-wal"];

/** Keeps a copy beside it. */
export function saveDatabase(path: string): void {
  for (const end of ends) if (existsSync(path + end)) copyFileSync(path + end, `${path}.saved${end}`);
}

export function loseDatabase(path: string): void {
  for (const end of [...ends, "-shm"]) rmSync(path + end, { force: true });
}

/** Puts the copy back. */
export function restoreDatabase(path: string): void {
  loseDatabase(path);
  for (const end of ends) if (existsSync(`${path}.saved${end}`)) copyFileSync(`${path}.saved${end}`, path + end);
}
