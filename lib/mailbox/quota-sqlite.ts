// Quota roots in `quota.db`, shared by all processes of a server. Changes of usage are collected in memory and written
// every few milliseconds without waiting for the disk; until then this process counts them itself.

import type { Database } from "bun:sqlite";
import type { Clock, Timer } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { DurableDatabase, migrateWith } from "./durable-database.ts";
import type { MailboxName } from "./name.ts";
import {
  admitTo,
  movedBy,
  nearestRoot,
  type QuotaBook,
  type QuotaLimits,
  type QuotaRoot,
  type QuotaUsage,
} from "./quota.ts";

const migrations = [
  `CREATE TABLE quota_root (
     name TEXT NOT NULL PRIMARY KEY,
     storage INTEGER,
     message INTEGER,
     bytes INTEGER NOT NULL,
     messages INTEGER NOT NULL
   ) WITHOUT ROWID`,
];

/** How long changes of usage are collected. */
const flushDelayMs = 20;

export interface QuotaBookOptions {
  readonly path: string;
  readonly log: Log;
  readonly clock: Clock;
}

export function openQuotaBook(options: QuotaBookOptions): QuotaBook {
  return new SqliteQuotaBook(options);
}

class SqliteQuotaBook implements QuotaBook {
  readonly #database: DurableDatabase;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #statement: ReturnType<typeof prepare>;
  /** What the file said at `#version`. */
  #roots = new Map<MailboxName, QuotaRoot>();
  #version = -1;
  #pending = new Map<MailboxName, { bytes: number; messages: number }>();
  #timer: Timer | undefined;
  #flushing: Promise<void> | undefined;

  constructor({ path, log, clock }: QuotaBookOptions) {
    this.#database = new DurableDatabase({ path, clock, migrate: migrateWith(migrations) });
    this.#log = log;
    this.#clock = clock;
    this.#statement = prepare(this.#database.db);
  }

  rootOf(name: MailboxName): QuotaRoot | undefined {
    return this.#withPending(nearestRoot(this.#current(), name));
  }

  find(root: MailboxName): QuotaRoot | undefined {
    return this.#withPending(this.#current().get(root));
  }

  roots(): Iterable<QuotaRoot> {
    return [...this.#current().values()].map((root) => this.#withPending(root)!);
  }

  async setLimits(root: MailboxName, { STORAGE, MESSAGE }: QuotaLimits, used?: QuotaUsage): Promise<void> {
    await this.#flush();
    await this.#write(() => {
      const { bytes, messages } = used ?? this.#current().get(root) ?? { bytes: 0, messages: 0 };
      this.#statement.put.run(root, STORAGE ?? null, MESSAGE ?? null, bytes, messages);
    });
  }

  async remove(root: MailboxName): Promise<void> {
    if (!this.#current().has(root)) return;
    await this.#write(() => this.#statement.remove.run(root));
  }

  async rename(from: MailboxName, to: MailboxName): Promise<void> {
    if (!this.#current().has(from)) return;
    await this.#flush();
    await this.#write(() => this.#statement.rename.run(to, from));
  }

  admit(name: MailboxName, bytes: number, messages: number): void {
    const root = this.rootOf(name);
    if (root) admitTo(root, bytes, messages);
  }

  changed(name: MailboxName, bytesDelta: number, messagesDelta: number): void {
    const root = nearestRoot(this.#current(), name)?.name;
    if (root === undefined) return;
    const sum = this.#pending.get(root) ?? { bytes: 0, messages: 0 };
    this.#pending.set(root, { bytes: sum.bytes + bytesDelta, messages: sum.messages + messagesDelta });
    this.#timer ??= this.#clock.after(flushDelayMs, () => {
      this.#flush().catch((fault) => this.#log.warning("quota not written", { error: describeFault(fault) }));
    });
  }

  async recount(root: MailboxName, { bytes, messages }: QuotaUsage): Promise<void> {
    await this.#flush();
    await this.#write(() => this.#statement.recount.run(bytes, messages, root));
  }

  async close(): Promise<void> {
    await this.#flush();
    this.#database.close();
  }

  async #flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#flushing) await this.#flushing;
    if (this.#pending.size === 0) return;
    this.#flushing = this.#writePending().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  /** What is written leaves `#pending` in the same turn as it enters the file: it is never counted twice. */
  async #writePending(): Promise<void> {
    await this.#database.writeLazily(() => {
      for (const [root, { bytes, messages }] of this.#pending) this.#statement.move.run(bytes, messages, root);
      this.#pending = new Map();
      this.#version = -1;
    });
  }

  async #write(work: () => void): Promise<void> {
    await this.#database.write(() => {
      work();
      this.#version = -1; // read again: PRAGMA data_version does not count our own changes
    });
  }

  /** The roots as the file has them now: read again only when some process changed it. */
  #current(): ReadonlyMap<MailboxName, QuotaRoot> {
    const version = this.#statement.version.get()!.data_version;
    if (version !== this.#version) {
      const rows = this.#statement.all.all();
      this.#roots = new Map(rows.map((row) => [row.name, { ...row, limits: limitsOf(row) }]));
      this.#version = version;
    }
    return this.#roots;
  }

  #withPending(root: QuotaRoot | undefined): QuotaRoot | undefined {
    const sum = root && this.#pending.get(root.name);
    return root && sum ? movedBy(root, sum.bytes, sum.messages) : root;
  }
}

interface QuotaRow extends QuotaUsage {
  readonly name: MailboxName;
  readonly storage: number | null;
  readonly message: number | null;
}

function limitsOf({ storage, message }: QuotaRow): QuotaLimits {
  return { ...(storage === null ? {} : { STORAGE: storage }), ...(message === null ? {} : { MESSAGE: message }) };
}

function prepare(db: Database) {
  return {
    version: db.query<{ data_version: number }, []>("PRAGMA data_version"),
    all: db.query<QuotaRow, []>("SELECT name, storage, message, bytes, messages FROM quota_root ORDER BY name"),
    put: db.query<null, [string, number | null, number | null, number, number]>(
      "REPLACE INTO quota_root VALUES (?, ?, ?, ?, ?)",
    ),
    remove: db.query<null, [string]>("DELETE FROM quota_root WHERE name = ?"),
    rename: db.query<null, [string, string]>("UPDATE OR REPLACE quota_root SET name = ? WHERE name = ?"),
    recount: db.query<null, [number, number, string]>("UPDATE quota_root SET bytes = ?, messages = ? WHERE name = ?"),
    move: db.query<null, [number, number, string]>(
      "UPDATE quota_root SET bytes = max(0, bytes + ?1), messages = max(0, messages + ?2) WHERE name = ?3",
    ),
  };
}
