// The mailbox list in SQLite: `mailboxes.db`, one file that all processes of a server share. See list.ts for what the
// methods promise, list-sqlite/schema.ts for the tables.
//
// Writers never wait inside SQLite: that would hold the event loop. Durability is a shared fdatasync of the log.

import type { Database } from "bun:sqlite";
import type { Clock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import { DurableDatabase, migrateWith } from "./durable-database.ts";
import { type FeedPosition, type FollowEdit, type FollowedPosition, isInHistory } from "./feed.ts";
import type { JournalEdit, JournalRecord } from "./journal.ts";
import type { ListChange, ListEdit, MailboxEntry, MailboxList, UniqueId } from "./list.ts";
import { type ApplyEdits, editsApplier, readJournal } from "./list-sqlite/apply-edits.ts";
import { ChangeWatch } from "./list-sqlite/change-watch.ts";
import { forgetEras, insertEra, readEras, readFollowed } from "./list-sqlite/feed.ts";
import { readNote, replaceNote } from "./list-sqlite/notes.ts";
import { entryColumns, type ListState, migrations, selectState } from "./list-sqlite/schema.ts";
import type { MailboxName } from "./name.ts";

export interface MailboxListOptions {
  readonly path: string;
  /** A frontend's sessions: only the replica process writes. */
  readonly readOnly?: boolean;
  readonly clock: Clock;
}

export function openMailboxList(options: MailboxListOptions): MailboxList {
  return new SqliteMailboxList(options);
}

/** Above every printable character: ends the range of a prefix. */
const afterAll = "\x7f";
/** Below every printable character: behind a name, the first that can follow it. */
const next = "\x01";
const firstPage = 64;
/** Half a millisecond or so. */
const largestPage = 512;

/** More hold the event loop for more than a few milliseconds. */
const editsAtOnce = 300;

/** Of the feed, read at once. */
const changesInPage = 1024;

class SqliteMailboxList implements MailboxList {
  readonly #database: DurableDatabase;
  readonly #isReadOnly: boolean;
  readonly #apply: ApplyEdits;
  readonly #watch: ChangeWatch;
  readonly #read: ReturnType<typeof prepareReads>;
  /** Of a sole writer: the number of its last change. */
  #ownSequence: number | undefined;

  constructor({ path, readOnly = false, clock }: MailboxListOptions) {
    this.#database = new DurableDatabase({ path, clock, migrate: migrateWith(migrations) });
    this.#isReadOnly = readOnly;
    this.#read = prepareReads(this.#database.db);
    this.#apply = editsApplier(this.#database.db);
    this.#watch = new ChangeWatch(path, clock, () => this.sequence);
  }

  find(name: MailboxName): MailboxEntry | undefined {
    return this.#read.byName.get(name) ?? undefined;
  }

  findById(uniqueId: UniqueId): MailboxEntry | undefined {
    return uniqueId === "" ? undefined : (this.#read.byId.get(uniqueId) ?? undefined);
  }

  descendants(name: MailboxName): Iterable<MailboxEntry> {
    return this.entries(`${name}.`);
  }

  hasDescendants(name: MailboxName): boolean {
    return this.#read.range.get(`${name}.`, `${name}.${afterAll}`, 1) !== null;
  }

  entries(prefix = "", from = prefix): Iterable<MailboxEntry> {
    return paged((first, limit) => this.#read.range.all(first, prefix + afterAll, limit), from);
  }

  grantedTo(identifiers: readonly string[], prefix = "", from = prefix): Iterable<MailboxEntry> {
    const streams = [...new Set(identifiers)].map((identifier) =>
      paged((first, limit) => this.#read.granted.all(identifier, first, prefix + afterAll, limit), from),
    );
    return streams.length === 1 ? streams[0]! : merged(streams);
  }

  get size(): number {
    return this.#state.size;
  }

  get sequence(): number {
    return this.#state.sequence;
  }

  get maxUidValidity(): number {
    return this.#state.maxUidValidity;
  }

  get isComplete(): boolean {
    return this.#state.isComplete !== 0;
  }

  changesSince(sequence: number): readonly ListChange[] | undefined {
    return this.#database.db.transaction(() => {
      const state = this.#state;
      if (sequence < state.feedFloor || sequence > state.sequence) return undefined;
      const rows = this.#read.changed.all(sequence);
      return rows.map(({ name, sequence }) => ({ name, sequence, entry: this.find(name) }));
    })();
  }

  *namesChangedSince(sequence: number): Generator<MailboxName> {
    let after = sequence;
    for (;;) {
      if (after < this.#state.feedFloor) throw new No("UNAVAILABLE", "The feed was cut short");
      const page = this.#read.changedPage.all(after, changesInPage);
      for (const { name } of page) yield name;
      if (page.length < changesInPage) return;
      after = page.at(-1)!.sequence;
    }
  }

  watch(listener: () => void): () => void {
    return this.#watch.add(listener);
  }

  async beginFeed(isSoleWriter = false): Promise<string> {
    this.#requireWritable();
    const feed = crypto.randomUUID();
    await this.#database.write(() => {
      const first = this.sequence;
      insertEra(this.#database.db, { feed, first });
      if (isSoleWriter) this.#ownSequence = first;
    });
    return feed;
  }

  continues(position: FeedPosition): boolean {
    return this.#database.db.transaction(() => {
      const { feedFloor, sequence } = this.#state;
      return position.sequence >= feedFloor && isInHistory(readEras(this.#database.db), sequence, position);
    })();
  }

  get followed(): FollowedPosition | undefined {
    return readFollowed(this.#database.db);
  }

  async change(edits: readonly ListEdit[], journal: readonly JournalEdit[] = [], follow?: FollowEdit): Promise<number> {
    this.#requireWritable();
    if (edits.length === 0 && journal.length === 0 && follow === undefined) return this.sequence;
    const sequence = await this.#database.write(() => {
      if (this.#ownSequence === undefined) return atOnce(this.#apply(edits, journal, follow));
      if (this.sequence !== this.#ownSequence) forgetEras(this.#database.db);
      this.#ownSequence = atOnce(this.#apply(edits, journal, follow));
      return this.#ownSequence;
    });
    this.#watch.check();
    return sequence;
  }

  async changeMany(edits: readonly ListEdit[], journal: readonly JournalEdit[]): Promise<void> {
    if (edits.length <= editsAtOnce || this.#ownSequence !== undefined) {
      await this.change(edits, journal);
      return;
    }
    this.#requireWritable();
    await this.#database.writeInSlices((db) => editsApplier(db)(edits, journal, undefined));
    this.#watch.check();
  }

  journal(): readonly JournalRecord[] {
    return readJournal(this.#database.db);
  }

  note(key: string): string | undefined {
    return readNote(this.#database.db, key);
  }

  async setNote(key: string, value: string | undefined, expected: string | undefined): Promise<boolean> {
    this.#requireWritable();
    return this.#database.write(() => replaceNote(this.#database.db, key, value, expected));
  }

  async setComplete(isComplete: boolean): Promise<void> {
    this.#requireWritable();
    if (this.isComplete === isComplete) return;
    await this.#database.write(() => this.#read.setComplete.run(isComplete ? 1 : 0));
  }

  close(): void {
    this.#watch.stop();
    this.#database.close();
  }

  get #state(): ListState {
    return this.#read.state.get()!;
  }

  #requireWritable(): void {
    if (this.#isReadOnly) throw new Error("The mailbox list is open for reading only");
  }
}

function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

function prepareReads(db: Database) {
  const select = `SELECT ${entryColumns} FROM mailbox m`;
  return {
    byName: db.query<MailboxEntry, [string]>(`${select} WHERE m.name = ?`),
    byId: db.query<MailboxEntry, [string]>(`${select} WHERE m.uniqueid = ? AND m.uniqueid <> ''`),
    range: db.query<MailboxEntry, [string, string, number]>(
      `${select} WHERE m.name >= ? AND m.name < ? ORDER BY m.name LIMIT ?`,
    ),
    // CROSS JOIN keeps SQLite from turning the loops round: the index comes first.
    granted: db.query<MailboxEntry, [string, string, string, number]>(
      `SELECT ${entryColumns} FROM granted g CROSS JOIN mailbox m ON m.name = g.name
       WHERE g.identifier = ? AND g.name >= ? AND g.name < ? ORDER BY g.name LIMIT ?`,
    ),
    changed: db.query<{ name: MailboxName; sequence: number }, [number]>(
      "SELECT name, max(sequence) AS sequence FROM change WHERE sequence > ? GROUP BY name ORDER BY max(sequence)",
    ),
    changedPage: db.query<{ name: MailboxName; sequence: number }, [number, number]>(
      "SELECT name, sequence FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?",
    ),
    state: db.query<ListState, []>(selectState),
    setComplete: db.query<null, [number]>("UPDATE list_state SET is_complete = ?"),
  };
}

/** Walks a range page by page: no read transaction stays open between two pages. */
function* paged(
  read: (first: string, limit: number) => readonly MailboxEntry[],
  from: string,
): Generator<MailboxEntry> {
  let first = from;
  for (let limit = firstPage; ; limit = Math.min(limit * 2, largestPage)) {
    const page = read(first, limit);
    yield* page;
    if (page.length < limit) return;
    first = page[page.length - 1]!.name + next;
  }
}

/** Joins streams in name order, each entry once. */
function* merged(streams: readonly Iterable<MailboxEntry>[]): Generator<MailboxEntry> {
  const heads = streams.map((stream) => {
    const iterator = stream[Symbol.iterator]();
    return { iterator, entry: iterator.next().value as MailboxEntry | undefined };
  });
  for (;;) {
    let least: MailboxEntry | undefined;
    for (const { entry } of heads) if (entry && (least === undefined || entry.name < least.name)) least = entry;
    if (least === undefined) return;
    yield least;
    for (const head of heads) {
      if (head.entry?.name === least.name) head.entry = head.iterator.next().value as MailboxEntry | undefined;
    }
  }
}
