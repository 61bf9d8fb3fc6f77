// A small SQLite database that several processes share, with durable writes that never block the event loop: WAL,
// synchronous=NORMAL, then a shared asynchronous sync of the log (durable.ts). Behind the mailbox list, subscriptions and
// quota; the message store has its own.

import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, sleep } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import { errorCode, syncFolder, WalSync } from "./durable.ts";

/** How long a writer tries to get its turn. */
const busyDeadlineMs = 10_000;

export interface DurableDatabaseOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Creates or upgrades the tables. */
  readonly migrate: (db: Database) => void;
}

export class DurableDatabase {
  readonly db: Database;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #wal: WalSync;
  #folderSynced: Promise<void> | undefined;
  #isClosed = false;

  constructor({ path, clock, migrate }: DurableDatabaseOptions) {
    this.#path = path;
    this.#clock = clock;
    mkdirSync(dirname(path), { recursive: true });
    this.db = new Database(path, { create: true, readwrite: true, strict: true });
    this.db.run("PRAGMA busy_timeout = 5000"); // only while opening: several processes may create the file at once
    this.db.run("PRAGMA journal_mode = WAL");
    this.db.run("PRAGMA synchronous = NORMAL");
    this.db.run("PRAGMA cache_size = -8000");
    migrate(this.db);
    this.db.run("PRAGMA busy_timeout = 0");
    this.#wal = new WalSync(path);
  }

  /** Runs `work` in a transaction and resolves when what it wrote is on disk. Whatever it throws undoes it. */
  async write<T>(work: () => T): Promise<T> {
    const result = await this.writeLazily(work);
    this.#folderSynced ??= syncFolder(dirname(this.#path)); // the files may be new, once
    await Promise.all([this.#wal.committed(), this.#folderSynced]);
    return result;
  }

  /** Like `write`, but a crash of the machine may lose it. */
  async writeLazily<T>(work: () => T): Promise<T> {
    const deadlineMs = this.#clock.monotonic() + busyDeadlineMs;
    while (!this.#begin()) {
      if (this.#clock.monotonic() > deadlineMs) throw new No("UNAVAILABLE", "Another process holds the database");
      await sleep(this.#clock, 0.2 + Math.random() * 2);
    }
    try {
      const result = work();
      this.db.run("COMMIT");
      return result;
    } catch (fault) {
      if (this.db.inTransaction) this.db.run("ROLLBACK");
      throw fault;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wal.close();
    this.db.close();
  }

  /** False when another process is writing. */
  #begin(): boolean {
    try {
      this.db.run("BEGIN IMMEDIATE");
      return true;
    } catch (fault) {
      if (errorCode(fault).startsWith("SQLITE_BUSY")) return false;
      throw fault;
    }
  }
}

/** Runs those of `migrations` that the database has not seen: PRAGMA user_version counts them. */
export function migrateWith(migrations: readonly string[]): (db: Database) => void {
  return (db) => {
    const version = () => db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
    if (version() > migrations.length) throw new Error(`Cannot open ${db.filename}: a newer version wrote it`);
    if (version() === migrations.length) return;
    db.run("BEGIN IMMEDIATE");
    try {
      // Another process may have been faster: what is left is counted inside the transaction.
      for (const migration of migrations.slice(version())) db.run(migration);
      db.run(`PRAGMA user_version = ${migrations.length}`);
      db.run("COMMIT");
    } catch (fault) {
      db.run("ROLLBACK");
      throw fault;
    }
  };
}
