// A small SQLite database that several processes share, with durable writes that never block the event loop: WAL,
// synchronous=NORMAL, then a shared asynchronous sync of the log (durable.ts); another thread moves the log into the
// database (checkpointer.ts). Behind the mailbox list, subscriptions and quota; the message store has its own.

import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, sleep } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import { TimeSlice } from "../base/time-slice.ts";
import { Checkpointer } from "./checkpointer.ts";
import { errorCode, syncFolder, WalSync } from "./durable.ts";

/** Each waits for 100 ms at most, a few more lie between two: five seconds in all. */
const openAttempts = 50;
/** How long a writer tries to get its turn. */
const busyDeadlineMs = 10_000;
/** Pages in the log when the checkpointer begins. */
const defaultCheckpointPages = 1000;
/** So many times that, and writers wait for it: the log begins anew only when everything in it has been moved. */
const timesUntilWait = 8;
/** SQLite's own checkpoint, which holds the event loop: for logs that other programs let grow. */
const timesUntilLastResort = 32;

/** The file is damaged, or the disk below it fails: for a client temporary, for a program nothing that waiting mends. */
export class DatabaseFault extends No {
  readonly exitCode = 74; // EX_IOERR

  constructor(action: "open" | "write", path: string, cause: unknown) {
    super("UNAVAILABLE", `Cannot ${action} "${path}": ${describeFault(cause)}`, { cause });
  }
}

export interface DurableDatabaseOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Creates or upgrades the tables. */
  readonly migrate: (db: Database) => void;
  /** Pages in the log when another thread begins to move them into the database: 1000. */
  readonly checkpointPages?: number;
}

export class DurableDatabase {
  readonly db: Database;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #checkpointPages: number;
  readonly #wal: WalSync;
  readonly #checkpointer = new Checkpointer();
  #checkpointing: Promise<unknown> | undefined;
  #folderSynced: Promise<void> | undefined;
  #isClosed = false;

  /** Throws DatabaseFault for a file that is damaged, cannot be read or was written by a newer version. */
  constructor({ path, clock, migrate, checkpointPages = defaultCheckpointPages }: DurableDatabaseOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#checkpointPages = checkpointPages;
    mkdirSync(dirname(path), { recursive: true });
    this.db = open(path, migrate);
    this.db.run(`PRAGMA wal_autocheckpoint = ${timesUntilLastResort * checkpointPages}`);
    this.#wal = new WalSync(path);
  }

  /** Runs `work` in a transaction and resolves when what it wrote is on disk. Whatever it throws undoes it. */
  async write<T>(work: () => T): Promise<T> {
    const result = await this.writeLazily(work);
    await this.#synced();
    return result;
  }

  /** Like `write`, but a crash of the machine may lose it. */
  async writeLazily<T>(work: () => T): Promise<T> {
    const deadlineMs = this.#clock.monotonic() + busyDeadlineMs;
    if (this.#isLogFull) await this.#room();
    // Nothing may come between the beginning and the work: others use the same connection.
    while (!this.#begin(this.db)) await this.#pause(deadlineMs);
    try {
      const result = work();
      this.#commit(this.db);
      return result;
    } catch (fault) {
      throw this.#undone(this.db, fault);
    }
  }

  /**
   * Like `write`, for work that would hold the event loop too long: everybody else has a turn wherever it yields. On a
   * connection of its own, so that nobody reads what is not committed. Other writers wait meanwhile, as for another process.
   */
  async writeInSlices<T>(work: (db: Database) => Generator<void, T>): Promise<T> {
    const db = open(this.#path, () => {});
    try {
      db.run("PRAGMA wal_autocheckpoint = 0"); // not on this connection's time
      const deadlineMs = this.#clock.monotonic() + busyDeadlineMs;
      if (this.#isLogFull) await this.#room();
      while (!this.#begin(db)) await this.#pause(deadlineMs);
      const result = await this.#runInSlices(db, work(db));
      await this.#synced();
      return result;
    } finally {
      db.close();
    }
  }

  async #runInSlices<T>(db: Database, work: Generator<void, T>): Promise<T> {
    const slice = new TimeSlice(this.#clock);
    try {
      for (;;) {
        const step = work.next();
        if (step.done) {
          this.#commit(db);
          return step.value;
        }
        if (slice.isOver) await slice.next();
      }
    } catch (fault) {
      throw this.#undone(db, fault);
    }
  }

  async #synced(): Promise<void> {
    this.#folderSynced ??= syncFolder(dirname(this.#path)); // the files may be new, once
    await Promise.all([this.#wal.committed(), this.#folderSynced]);
  }

  /** Another writer has the database. */
  async #pause(deadlineMs: number): Promise<void> {
    if (this.#clock.monotonic() > deadlineMs) throw new No("UNAVAILABLE", "Another process holds the database");
    await sleep(this.#clock, 0.2 + Math.random() * 2);
  }

  get #isLogFull(): boolean {
    return this.#log().pages > timesUntilWait * this.#checkpointPages;
  }

  #commit(db: Database): void {
    db.run("COMMIT");
    if (this.#log().unmoved > this.#checkpointPages) void this.#checkpoint();
  }

  /** What to throw for the failure of a transaction, which is rolled back. */
  #undone(db: Database, fault: unknown): unknown {
    if (db.inTransaction) db.run("ROLLBACK");
    return isDiskFault(fault) ? new DatabaseFault("write", this.#path, fault) : fault;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#checkpointer.close();
    this.#wal.close();
    this.db.close();
  }

  /** Resolves when the whole log has been moved, or that takes too long: the next transaction begins it anew. */
  async #room(): Promise<void> {
    const deadline = Promise.withResolvers<void>();
    const timer = this.#clock.after(busyDeadlineMs, deadline.resolve);
    // The one that runs may have begun too early to reach the end.
    await Promise.race([this.#checkpoint().then(() => this.#checkpoint()), deadline.promise]);
    timer.cancel();
  }

  #checkpoint(): Promise<unknown> {
    if (this.#log().unmoved === 0) return Promise.resolve();
    this.#checkpointing ??= this.#checkpointer.checkpoint(this.#path).finally(() => {
      this.#checkpointing = undefined;
    });
    return this.#checkpointing;
  }

  /** Pages in the log, and those of them that are not in the database yet. Takes two microseconds. */
  #log(): { readonly pages: number; readonly unmoved: number } {
    const counted = this.db.query<{ log: number; checkpointed: number }, []>("PRAGMA wal_checkpoint(NOOP)").get();
    return { pages: counted?.log ?? 0, unmoved: counted ? counted.log - counted.checkpointed : 0 };
  }

  /** False when another process is writing. */
  #begin(db: Database): boolean {
    try {
      db.run("BEGIN IMMEDIATE");
      return true;
    } catch (fault) {
      if (errorCode(fault).startsWith("SQLITE_BUSY")) return false;
      throw isDiskFault(fault) ? new DatabaseFault("write", this.#path, fault) : fault;
    }
  }
}

/**
 * Several processes may create the file at once. SQLite lets them wait for each other, except where both want to be the one
 * that begins the log: then one is refused at once, and has to try again.
 */
function open(path: string, migrate: (db: Database) => void): Database {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return openOnce(path, migrate);
    } catch (fault) {
      if (!errorCode(fault).startsWith("SQLITE_BUSY") || attempt === openAttempts) {
        throw new DatabaseFault("open", path, fault);
      }
      Bun.sleepSync(1 + Math.random() * 4);
    }
  }
}

function openOnce(path: string, migrate: (db: Database) => void): Database {
  let db: Database | undefined;
  try {
    db = new Database(path, { create: true, readwrite: true, strict: true });
    db.run("PRAGMA busy_timeout = 100"); // only while opening
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = NORMAL");
    db.run("PRAGMA cache_size = -8000");
    migrate(db);
    db.query("SELECT count(*) FROM sqlite_schema").get(); // reads the tables' definitions, which may be damaged
    db.run("PRAGMA busy_timeout = 0");
    return db;
  } catch (fault) {
    db?.close();
    throw fault;
  }
}

/** The file or the disk below it is at fault: neither our SQL nor what somebody asked for. */
function isDiskFault(fault: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|IOERR|FULL|CANTOPEN|READONLY)/.test(errorCode(fault));
}

/** Runs those of `migrations` that the database has not seen: PRAGMA user_version counts them. */
export function migrateWith(migrations: readonly string[]): (db: Database) => void {
  return (db) => {
    const version = () => db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
    if (version() > migrations.length) throw new Error("a newer version wrote it");
    if (version() === migrations.length) return;
    db.run("BEGIN IMMEDIATE");
    try {
      // Another process may have been faster: what is left is counted inside the transaction.
      for (const migration of migrations.slice(version())) db.run(migration);
      db.run(`PRAGMA user_version = ${migrations.length}`);
      db.run("COMMIT");
    } catch (fault) {
      if (db.inTransaction) db.run("ROLLBACK");
      throw fault;
    }
  };
}
