// Which mailboxes a user is subscribed to. Kept where the user's INBOX is (seed 3.3); the names may be of mailboxes that
// live elsewhere or nowhere (S78).

import type { Database } from "bun:sqlite";
import type { Clock } from "../base/clock.ts";
import { DurableDatabase, migrateWith } from "./durable-database.ts";
import { ChangeWatch } from "./list-sqlite/change-watch.ts";
import { inboxOf, isBelow, type MailboxName, rebase } from "./name.ts";

export interface Subscriptions {
  /** In name order. */
  list(user: string): readonly MailboxName[];
  has(user: string, name: MailboxName): boolean;
  /** Resolves when it is on disk; subscribing twice is fine. */
  add(user: string, name: MailboxName): Promise<void>;
  /** Resolves when it is on disk; a name that is not subscribed is fine. */
  remove(user: string, name: MailboxName): Promise<void>;
  removeUser(user: string): Promise<void>;
  /** Calls back soon after any change, of any user and by any process. Returns the way to stop. */
  watch(listener: () => void): () => void;
  /** Gives a user's subscriptions to his new name; those of his own folders follow them. */
  renameUser(from: string, to: string, hasVirtualDomains: boolean): Promise<void>;
  close(): void;
}

const migrations = ["CREATE TABLE subscription (user TEXT, name TEXT, PRIMARY KEY (user, name)) WITHOUT ROWID"];

/** `subscriptions.db`. */
export function openSubscriptions(options: { readonly path: string; readonly clock: Clock }): Subscriptions {
  const database = new DurableDatabase({ ...options, migrate: migrateWith(migrations) });
  const statement = prepare(database.db);
  const list = (user: string) => statement.list.all(user).map((row) => row.name);
  const watch = new ChangeWatch(options.path, options.clock, () => changeNumber(database.db));
  const write = async (work: () => void) => {
    await database.write(work);
    watch.check();
  };
  return {
    list,
    has: (user, name) => statement.has.get(user, name) !== null,
    add: async (user, name) => {
      if (statement.has.get(user, name) === null) await write(() => statement.add.run(user, name));
    },
    remove: async (user, name) => {
      if (statement.has.get(user, name) !== null) await write(() => statement.remove.run(user, name));
    },
    removeUser: async (user) => {
      await write(() => statement.removeUser.run(user));
    },
    renameUser: async (from, to, hasVirtualDomains) => {
      await write(() => {
        for (const name of list(from)) statement.add.run(to, renamedName(name, from, to, hasVirtualDomains));
        statement.removeUser.run(from);
      });
    },
    watch: (listener) => watch.add(listener),
    close: () => {
      watch.stop();
      database.close();
    },
  };
}

/** Differs after every commit: `data_version` counts those of others, `total_changes` our own rows. */
function changeNumber(db: Database): number {
  const others = db.query<{ data_version: number }, []>("PRAGMA data_version").get()?.data_version ?? 0;
  const own = db.query<{ rows: number }, []>("SELECT total_changes() AS rows").get()?.rows ?? 0;
  return others * 2 ** 32 + own;
}

/** For tests. */
export class MemorySubscriptions implements Subscriptions {
  readonly #byUser = new Map<string, Set<MailboxName>>();
  readonly #listeners = new Set<() => void>();

  watch(listener: () => void): () => void {
    const entry = () => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  list(user: string): readonly MailboxName[] {
    return [...(this.#byUser.get(user) ?? [])].sort();
  }

  has(user: string, name: MailboxName): boolean {
    return this.#byUser.get(user)?.has(name) ?? false;
  }

  async add(user: string, name: MailboxName): Promise<void> {
    const names = this.#byUser.get(user) ?? new Set();
    this.#byUser.set(user, names.add(name));
    this.#changed();
  }

  async remove(user: string, name: MailboxName): Promise<void> {
    this.#byUser.get(user)?.delete(name);
    this.#changed();
  }

  async removeUser(user: string): Promise<void> {
    this.#byUser.delete(user);
  }

  async renameUser(from: string, to: string, hasVirtualDomains: boolean): Promise<void> {
    for (const name of this.list(from)) await this.add(to, renamedName(name, from, to, hasVirtualDomains));
    this.#byUser.delete(from);
  }

  close(): void {}
}

function renamedName(name: MailboxName, from: string, to: string, hasVirtualDomains: boolean): MailboxName {
  const inbox = inboxOf(from, hasVirtualDomains);
  return name === inbox || isBelow(name, inbox) ? rebase(name, inbox, inboxOf(to, hasVirtualDomains)) : name;
}

function prepare(db: Database) {
  return {
    list: db.query<{ name: MailboxName }, [string]>("SELECT name FROM subscription WHERE user = ? ORDER BY name"),
    has: db.query<{ one: number }, [string, string]>("SELECT 1 AS one FROM subscription WHERE user = ? AND name = ?"),
    add: db.query<null, [string, string]>("INSERT OR IGNORE INTO subscription VALUES (?, ?)"),
    remove: db.query<null, [string, string]>("DELETE FROM subscription WHERE user = ? AND name = ?"),
    removeUser: db.query<null, [string]>("DELETE FROM subscription WHERE user = ?"),
  };
}
