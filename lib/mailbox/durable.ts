// Durability without blocking: fdatasync in the thread pool, one sync shared by everybody who waits for the same file.
// SQLite runs with synchronous=NORMAL (it never syncs a commit itself); `WalSync` then makes commits durable in groups.
// Nothing here knows what is stored.

import fs from "node:fs";
import fsp from "node:fs/promises";
import { dirname } from "node:path";
import { describeFault, No } from "../base/fault.ts";

/**
 * Shares a slow operation: whoever asks while it runs waits for the next run, because the running one may have begun
 * before his bytes were written. All who wait share that next run.
 */
export class SharedSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves when everything written before this call is on disk; rejects when the sync that covers it failed. */
  wait(): Promise<void> {
    if (!this.#running) return this.#start();
    const start = () => this.#start();
    this.#next ??= this.#running.then(start, start);
    return this.#next;
  }

  get isIdle(): boolean {
    return this.#running === undefined;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const run = this.#sync().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }
}

/**
 * Makes the commits of one SQLite database (WAL, synchronous=NORMAL) durable. Belongs to one open connection: while that
 * is open SQLite never replaces the `-wal` file, so one descriptor serves. Close both together.
 *
 * Never open the database file itself beside SQLite: closing any descriptor of it drops SQLite's POSIX locks. The `-wal`
 * file carries none.
 */
export class WalSync {
  readonly #path: string;
  readonly #shared = new SharedSync(() => this.#syncOnce());
  #descriptor: number | undefined;
  #failure: No | undefined;
  #isClosed = false;

  constructor(databasePath: string) {
    this.#path = `${databasePath}-wal`;
  }

  /** Resolves when every transaction committed before this call is on disk. */
  committed(): Promise<void> {
    return this.#shared.wait();
  }

  /** Call after the last `committed()` has been answered, or at any time: a running sync keeps its descriptor. */
  close(): void {
    this.#isClosed = true;
    if (this.#shared.isIdle) this.#closeDescriptor();
  }

  async #syncOnce(): Promise<void> {
    // After a failed sync the kernel forgets the error and later ones succeed although data is lost: stay failed.
    if (this.#failure) throw this.#failure;
    try {
      this.#descriptor ??= fs.openSync(this.#path, "r");
      await fdatasync(this.#descriptor);
    } catch (fault) {
      // Without a -wal file everything has been moved into the database, which SQLite syncs before it removes the file.
      if (isMissing(fault)) return;
      this.#failure = new No("UNAVAILABLE", "Cannot write to disk", { cause: fault });
      throw this.#failure;
    } finally {
      if (this.#isClosed) this.#closeDescriptor();
    }
  }

  #closeDescriptor(): void {
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Syncs of folders, shared per folder: many deliveries into one mailbox wait for the same sync. */
export class FolderSyncs {
  readonly #running = new Map<string, SharedSync>();

  /** Resolves when all entries made in `folder` before this call are on disk. */
  async sync(folder: string): Promise<void> {
    let shared = this.#running.get(folder);
    if (!shared) {
      shared = new SharedSync(() => syncFolder(folder));
      this.#running.set(folder, shared);
    }
    try {
      await shared.wait();
    } finally {
      if (shared.isIdle && this.#running.get(folder) === shared) this.#running.delete(folder);
    }
  }
}

export function fdatasync(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(descriptor, (fault) => (fault ? reject(fault) : resolve()));
  });
}

function fsync(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fsync(descriptor, (fault) => (fault ? reject(fault) : resolve()));
  });
}

/** Syncs the contents of one file. Not for an SQLite database that is open in this process: see `WalSync`. */
export async function syncFile(path: string): Promise<void> {
  const file = await fsp.open(path, "r");
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Syncs the entries of a folder: new, renamed and removed files. */
export async function syncFolder(path: string): Promise<void> {
  // Opening and closing a folder in use takes microseconds, a trip to the thread pool for each takes longer.
  const descriptor = fs.openSync(path, "r");
  try {
    await fsync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Writes a whole file so that after a crash either the old or the new contents are there. */
export async function replaceFile(path: string, bytes: Uint8Array | string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.new`;
  try {
    const file = await fsp.open(temporary, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    await fsp.rename(temporary, path);
  } catch (fault) {
    await fsp.rm(temporary, { force: true });
    throw fault;
  }
  await syncFolder(dirname(path));
}

/** Whether a file operation failed because there is no such file. */
export function isMissing(fault: unknown): boolean {
  return errorCode(fault) === "ENOENT";
}

/** "ENOENT", "SQLITE_BUSY" …; empty for anything else. */
export function errorCode(fault: unknown): string {
  return fault instanceof Error && "code" in fault && typeof fault.code === "string" ? fault.code : "";
}

/** What to throw when the disk or SQLite fails us: temporary for the client, its cause for the log. Defects stay as they are. */
export function diskFault(action: string, fault: unknown): unknown {
  const code = errorCode(fault);
  if (fault instanceof No || !code) return fault;
  const isFull = /^(ENOSPC|EDQUOT|SQLITE_FULL)$/.test(code);
  const text = isFull ? `Cannot ${action}: the disk is full` : `Cannot ${action}: ${describeFault(fault)}`;
  return new No("UNAVAILABLE", text, { cause: fault });
}
