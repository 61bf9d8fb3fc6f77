// Which mailboxes a user is subscribed to. Kept where the user's INBOX is (seed 3.3); the names may be of mailboxes that
// live elsewhere or nowhere (S78).

import type { Database } from "bun:sqlite";
import type { Clock } from "../base/clock.ts";
import { DurableDatabase, migrateWith } from "./durable-database.ts";
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
  return {
    list,
    has: (user, name) => statement.has.get(user, name) !== null,
    add: async (user, name) => {
      if (statement.has.get(user, name) === null) await database.write(() => statement.add.run(user, name));
    },
    remove: async (user, name) => {
      if (statement.has.get(user, name) !== null) await database.write(() => statement.remove.run(user, name));
    },
    removeUser: async (user) => {
      await database.write(() => statement.removeUser.run(user));
    },
    renameUser: async (from, to, hasVirtualDomains) => {
      await database.write(() => {
        for (const name of list(from)) statement.add.run(to, renamedName(name, from, to, hasVirtualDomains));
        statement.removeUser.run(from);
      });
    },
    close: () => database.close(),
  };
}

/** For tests. */
export class MemorySubscriptions implements Subscriptions {
  readonly #byUser = new Map<string, Set<MailboxName>>();

  list(user: string): readonly MailboxName[] {
    return [...(this.#byUser.get(user) ?? [])].sort();
  }

  has(user: string, name: MailboxName): boolean {
    return this.#byUser.get(user)?.has(name) ?? false;
  }

  async add(user: string, name: MailboxName): Promise<void> {
    const names = this.#byUser.get(user) ?? new Set();
    this.#byUser.set(user, names.add(name));
  }

  async remove(user: string, name: MailboxName): Promise<void> {
    this.#byUser.get(user)?.delete(name);
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
