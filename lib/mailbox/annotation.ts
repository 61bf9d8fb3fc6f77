// Annotations of mailboxes and of the server (RFC 5464): values that clients keep there, for everybody or for themselves.
// They are kept by the mailbox's unique id, and not in its index: they follow it through every RENAME, and an index that is
// built anew from the messages does not lose them.

import type { Database } from "bun:sqlite";
import type { Clock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import { DurableDatabase, migrateWith } from "./durable-database.ts";
import type { UniqueId } from "./list.ts";
import { ChangeWatch } from "./list-sqlite/change-watch.ts";

/** "" is the server itself. */
export type Annotated = UniqueId | "";

export interface Annotation {
  /** In lower case, without "/shared" or "/private": "/comment". */
  readonly entry: string;
  /** Octets, as latin1. */
  readonly value: string;
}

export interface AnnotationEdit {
  /** Whose entry it is; "" for those that everybody shares. */
  readonly owner: string;
  readonly entry: string;
  /** Undefined removes the entry. */
  readonly value: string | undefined;
}

/** An entry that was set or removed. */
export interface AnnotationChange {
  readonly at: Annotated;
  /** "" for what everybody shares. */
  readonly owner: string;
  readonly entry: string;
}

type ChangeListener = (changes: readonly AnnotationChange[]) => void;

/** What one owner may keep with one mailbox. */
export const mostAnnotations = 200;

export interface Annotations {
  /** In entry order. */
  list(annotated: Annotated, owner: string): readonly Annotation[];
  /** Where an owner has that entry, and its value. Not for what everybody shares. */
  having(owner: string, entry: string): readonly { readonly at: Annotated; readonly value: string }[];
  /** All edits or none; on disk when resolved. Throws No("METADATA TOOMANY") for an owner who would have too many. */
  change(annotated: Annotated, edits: readonly AnnotationEdit[]): Promise<void>;
  /** Calls back soon after `change`, by any process. Returns the way to stop. */
  watch(listener: ChangeListener): () => void;
  /** Everything that is kept with a mailbox that is gone. */
  removeMailbox(mailbox: UniqueId): Promise<void>;
  /** What is a user's alone, wherever it is. */
  removeUser(user: string): Promise<void>;
  renameUser(from: string, to: string): Promise<void>;
  close(): void;
}

function tooMany(): No {
  return new No("METADATA TOOMANY", `At most ${mostAnnotations} annotations can be kept with a mailbox`);
}

const migrations = [
  `CREATE TABLE annotation (
     mailbox TEXT NOT NULL,
     owner   TEXT NOT NULL,
     entry   TEXT NOT NULL,
     value   BLOB NOT NULL,
     PRIMARY KEY (mailbox, owner, entry)
   ) WITHOUT ROWID;
   CREATE INDEX annotation_owner ON annotation (owner, entry) WHERE owner <> ''`,
  `CREATE TABLE change (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT,
     mailbox  TEXT NOT NULL,
     owner    TEXT NOT NULL,
     entry    TEXT NOT NULL
   )`,
];

/** Who watches reads them within the second. */
const changesKept = 1000;

/** `annotations.db`. */
export function openAnnotations(options: { readonly path: string; readonly clock: Clock }): Annotations {
  const database = new DurableDatabase({ ...options, migrate: migrateWith(migrations) });
  const statement = prepare(database.db);
  const last = () => statement.lastChange.get()?.sequence ?? 0;
  const watch = new ChangeWatch(options.path, options.clock, last);
  const listeners = new ListenerSet();
  let stop: (() => void) | undefined;
  let seen = 0;
  const tell = () => {
    const changes = statement.changesAfter.all(seen);
    seen = changes.at(-1)?.sequence ?? seen;
    if (changes.length > 0) listeners.tell(changes);
  };
  const list: Annotations["list"] = (annotated, owner) =>
    statement.list.all(annotated, owner).map(({ entry, value }) => ({
      entry,
      value: Buffer.from(value).toString("latin1"),
    }));
  return {
    list,
    having: (owner, entry) =>
      statement.having.all(owner, entry).map(({ at, value }) => ({ at, value: Buffer.from(value).toString("latin1") })),
    change: async (annotated, edits) => {
      await database.write(() => {
        for (const { owner, entry, value } of edits) {
          if (value === undefined) statement.remove.run(annotated, owner, entry);
          else statement.put.run(annotated, owner, entry, Buffer.from(value, "latin1"));
          statement.noteChange.run(annotated, owner, entry);
        }
        statement.forgetChanges.run(last() - changesKept);
        for (const owner of ownersOf(edits)) {
          if (statement.count.get(annotated, owner)!.entries > mostAnnotations) throw tooMany();
        }
      });
      watch.check();
    },
    watch: (listener) => {
      if (!stop) {
        seen = last();
        stop = watch.add(tell);
      }
      const leave = listeners.add(listener);
      return () => {
        leave();
        if (!listeners.isEmpty) return;
        stop?.();
        stop = undefined;
      };
    },
    removeMailbox: async (mailbox) => {
      if (statement.hasMailbox.get(mailbox)) await database.write(() => statement.removeMailbox.run(mailbox));
    },
    removeUser: async (user) => {
      if (statement.hasUser.get(user)) await database.write(() => statement.removeUser.run(user));
    },
    renameUser: async (from, to) => {
      if (statement.hasUser.get(from)) await database.write(() => statement.renameUser.run(to, from));
    },
    close: () => {
      watch.stop();
      database.close();
    },
  };
}

class ListenerSet {
  readonly #all = new Set<ChangeListener>();

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  add(listener: ChangeListener): () => void {
    const own: ChangeListener = (changes) => listener(changes); // the same function may be added twice
    this.#all.add(own);
    return () => this.#all.delete(own);
  }

  tell(changes: readonly AnnotationChange[]): void {
    for (const listener of [...this.#all]) listener(changes);
  }
}

function ownersOf(edits: readonly AnnotationEdit[]): ReadonlySet<string> {
  return new Set(edits.map(({ owner }) => owner));
}

function prepare(db: Database) {
  return {
    list: db.query<{ entry: string; value: Uint8Array }, [string, string]>(
      "SELECT entry, value FROM annotation WHERE mailbox = ? AND owner = ? ORDER BY entry",
    ),
    having: db.query<{ at: Annotated; value: Uint8Array }, [string, string]>(
      "SELECT mailbox AS at, value FROM annotation WHERE owner = ? AND owner <> '' AND entry = ? ORDER BY mailbox",
    ),
    count: db.query<{ entries: number }, [string, string]>(
      "SELECT count(*) AS entries FROM annotation WHERE mailbox = ? AND owner = ?",
    ),
    put: db.query<null, [string, string, string, Uint8Array]>("REPLACE INTO annotation VALUES (?, ?, ?, ?)"),
    remove: db.query<null, [string, string, string]>(
      "DELETE FROM annotation WHERE mailbox = ? AND owner = ? AND entry = ?",
    ),
    noteChange: db.query<null, [string, string, string]>("INSERT INTO change (mailbox, owner, entry) VALUES (?, ?, ?)"),
    forgetChanges: db.query<null, [number]>("DELETE FROM change WHERE sequence <= ?"),
    lastChange: db.query<{ sequence: number | null }, []>("SELECT max(sequence) AS sequence FROM change"),
    changesAfter: db.query<AnnotationChange & { readonly sequence: number }, [number]>(
      "SELECT sequence, mailbox AS at, owner, entry FROM change WHERE sequence > ? ORDER BY sequence",
    ),
    hasMailbox: db.query<{ one: number }, [string]>("SELECT 1 AS one FROM annotation WHERE mailbox = ? LIMIT 1"),
    removeMailbox: db.query<null, [string]>("DELETE FROM annotation WHERE mailbox = ?"),
    hasUser: db.query<{ one: number }, [string]>(
      "SELECT 1 AS one FROM annotation WHERE owner = ? AND owner <> '' LIMIT 1",
    ),
    removeUser: db.query<null, [string]>("DELETE FROM annotation WHERE owner = ? AND owner <> ''"),
    renameUser: db.query<null, [string, string]>(
      "UPDATE OR REPLACE annotation SET owner = ? WHERE owner = ? AND owner <> ''",
    ),
  };
}

/** For tests. */
export class MemoryAnnotations implements Annotations {
  readonly #values = new Map<Annotated, Map<string, Map<string, string>>>();
  readonly #listeners = new ListenerSet();

  watch(listener: ChangeListener): () => void {
    return this.#listeners.add(listener);
  }

  list(annotated: Annotated, owner: string): readonly Annotation[] {
    const entries = [...(this.#values.get(annotated)?.get(owner) ?? [])];
    return entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([entry, value]) => ({ entry, value }));
  }

  having(owner: string, entry: string): readonly { readonly at: Annotated; readonly value: string }[] {
    return [...this.#values].flatMap(([at, owners]) => {
      const value = owner === "" ? undefined : owners.get(owner)?.get(entry);
      return value === undefined ? [] : [{ at, value }];
    });
  }

  async change(annotated: Annotated, edits: readonly AnnotationEdit[]): Promise<void> {
    const changed = structuredClone(this.#values.get(annotated)) ?? new Map<string, Map<string, string>>();
    for (const { owner, entry, value } of edits) {
      const entries = changed.get(owner) ?? new Map<string, string>();
      changed.set(owner, entries);
      if (value === undefined) entries.delete(entry);
      else entries.set(entry, value);
    }
    for (const owner of ownersOf(edits)) if (changed.get(owner)!.size > mostAnnotations) throw tooMany();
    this.#values.set(annotated, changed);
    this.#listeners.tell(edits.map(({ owner, entry }) => ({ at: annotated, owner, entry })));
  }

  async removeMailbox(mailbox: UniqueId): Promise<void> {
    this.#values.delete(mailbox);
  }

  async removeUser(user: string): Promise<void> {
    if (user === "") return; // what everybody shares
    for (const owners of this.#values.values()) owners.delete(user);
  }

  async renameUser(from: string, to: string): Promise<void> {
    for (const owners of this.#values.values()) {
      const entries = owners.get(from);
      if (!entries) continue;
      owners.set(to, new Map([...(owners.get(to) ?? []), ...entries]));
      owners.delete(from);
    }
  }

  close(): void {}
}
