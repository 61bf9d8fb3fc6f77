// Notes: small facts that all processes of a server share and that belong to its list, such as the name under which the
// list was announced. Each is compared before it is set, so that of several processes one wins.

import type { Database } from "bun:sqlite";

export function readNote(db: Database, key: string): string | undefined {
  return db.query<{ value: string }, [string]>("SELECT value FROM note WHERE key = ?").get(key)?.value;
}

/** Sets a note, or removes it, if it is `expected` now; false when it is not. Inside the caller's transaction. */
export function replaceNote(db: Database, key: string, value: string | undefined, expected: string | undefined) {
  if (readNote(db, key) !== expected) return false;
  if (value === undefined) db.query<null, [string]>("DELETE FROM note WHERE key = ?").run(key);
  else db.query<null, [string, string]>("REPLACE INTO note VALUES (?, ?)").run(key, value);
  return true;
}
