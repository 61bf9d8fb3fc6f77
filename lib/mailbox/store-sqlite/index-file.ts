// One connection to the index.db of a mailbox, with its prepared statements. SQL is elsewhere.
//
// synchronous=OFF: SQLite syncs nothing on the event loop, not even the header of a restarted WAL. What keeps commits safe
// is ours: `walSync` after each commit, and checkpoints in another thread with synchronous=NORMAL (checkpointer.ts), which
// sync the WAL before and the database after they move pages. A WAL is only ever overwritten after that.

import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import fs from "node:fs";
import { No } from "../../base/fault.ts";
import { WalSync } from "../durable.ts";
import { KeywordNames } from "./keyword-names.ts";
import { migrate, schemaVersion } from "./schema.ts";

const settings = `
  PRAGMA busy_timeout = 0;
  PRAGMA synchronous = OFF;
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA cache_size = -1024;
  PRAGMA temp_store = MEMORY;
`;

export class IndexFile {
  readonly walSync: WalSync;
  readonly keywords: KeywordNames;
  /** Whether the WAL holds commits that are not in the database yet, as far as this process knows. */
  hasUncheckpointed: boolean;
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  /** Throws SQLite's errors, and No("UNAVAILABLE") for an index that a newer version has written. */
  constructor(readonly path: string) {
    this.hasUncheckpointed = (fs.statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
    this.#database = new Database(path, { readwrite: true, create: false, strict: true });
    this.walSync = new WalSync(path);
    this.keywords = new KeywordNames(this);
    try {
      this.#database.exec(settings);
      this.#upgrade();
    } catch (fault) {
      this.close();
      throw fault;
    }
  }

  /** The first row, or undefined. */
  one<Row>(sql: string, ...parameters: SQLQueryBindings[]): Row | undefined {
    return (this.#statement(sql).get(...parameters) as Row | null) ?? undefined; // the SQL beside the call says what a row is
  }

  /** All rows as arrays. Complete when it returns: no statement stays open, so nothing holds back a checkpoint. */
  all<Row extends readonly unknown[]>(sql: string, ...parameters: SQLQueryBindings[]): readonly Row[] {
    return this.#statement(sql).values(...parameters) as unknown as readonly Row[]; // as in `one`
  }

  run(sql: string, ...parameters: SQLQueryBindings[]): void {
    this.#statement(sql).run(...parameters);
  }

  /** Reads that belong together see one state. */
  snapshot<T>(read: () => T): T {
    this.run("BEGIN");
    try {
      return read();
    } finally {
      this.run("COMMIT");
    }
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.walSync.close();
    try {
      // The last connection moves what is left of the WAL: that must be synced, though it holds the loop.
      this.#database.exec("PRAGMA synchronous = NORMAL");
    } finally {
      this.#database.close();
    }
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #upgrade(): void {
    const version = this.one<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
    if (version === schemaVersion) return;
    if (version > schemaVersion) throw new No("UNAVAILABLE", "Mailbox index was written by a newer version");
    if (version === 0) throw new No("UNAVAILABLE", "Mailbox index is empty");
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      migrate(this.#database, version);
      this.#database.exec("COMMIT");
    } catch (fault) {
      this.#database.exec("ROLLBACK");
      throw fault;
    }
  }
}
