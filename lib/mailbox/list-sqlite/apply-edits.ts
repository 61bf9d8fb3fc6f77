// What a change of the mailbox list writes: entries, the reverse ACL index, the change feed, the journal. Runs inside
// the caller's transaction; whatever it throws must roll that back.

import type { Database } from "bun:sqlite";
import { No } from "../../base/fault.ts";
import { lookupIdentifiers } from "../acl.ts";
import type { FollowEdit } from "../feed.ts";
import type { JournalEdit, JournalRecord } from "../journal.ts";
import type { ListEdit, MailboxEntry } from "../list.ts";
import type { MailboxName } from "../name.ts";
import { moveFollowed } from "./feed.ts";
import { manyInserter } from "./insert-many.ts";
import { entryColumns, type ListState, selectState } from "./schema.ts";

/** A change of more edits than this is not in the feed: readers load the list anew, which is cheaper for all. */
const maxLoggedEdits = 20_000;
/** A list that is being filled for the first time has no reader that could follow: so many edits are not in the feed. */
const maxLoggedWhileIncomplete = 100;
/** Entries inserted together while the list is filled. */
const entriesInRun = 500;
/** The feed is cut to half of this when it grows longer. */
const maxFeedLength = 200_000;

/** Edits between two steps of the work: a millisecond or so. */
const editsInStep = 100;

/** Applies a change in steps and returns the new sequence. */
export type ApplyEdits = (
  edits: readonly ListEdit[],
  journal: readonly JournalEdit[],
  follow: FollowEdit | undefined,
) => Generator<void, number>;

/** A change while it is being applied. */
interface Applying {
  readonly write: Writes;
  readonly state: ListState;
  /** What the last edit has found in its place: mostly what the next one removes. */
  expected: MailboxEntry | undefined;
  /** Hears of every entry that has changed; `isForeign`: it was or is another server's. */
  noteChange(name: MailboxName, isForeign: boolean): void;
}

/** Prepares the statements once. */
export function editsApplier(db: Database): ApplyEdits {
  const write = prepareWrites(db);
  return function* apply(edits, journal, follow) {
    const state = write.readState.get()!;
    const isFilling = state.isComplete === 0 && edits.length > maxLoggedWhileIncomplete;
    const isLogged = !isFilling && edits.length <= maxLoggedEdits;
    const before = state.sequence;
    let isTouched = false;
    const noteChange = (name: MailboxName, isForeign: boolean) => {
      state.sequence += 1;
      isTouched ||= isForeign;
      if (isLogged) write.logChange.run(state.sequence, name);
    };
    const applying: Applying = { write, state, expected: undefined, noteChange };
    for (let at = 0; at < edits.length; yield) {
      const run = isFilling ? ascendingPuts(edits, at) : [];
      if (insertRun(applying, run)) {
        at += run.length;
        continue;
      }
      const end = Math.min(at + Math.max(run.length, isFilling ? 1 : editsInStep), edits.length);
      for (; at < end; at += 1) applyEdit(applying, edits[at]!);
    }
    for (const edit of journal) applyJournalEdit(write, edit);
    if (state.sequence !== before) finishFeed(write, state, isLogged);
    moveFollowed(db, follow, isTouched);
    return state.sequence;
  };
}

function applyEdit(applying: Applying, edit: ListEdit): void {
  const { write, state, expected } = applying;
  applying.expected = undefined;
  if ("expect" in edit) {
    const found = write.find.get(edit.expect) ?? undefined;
    if (found?.uniqueId !== edit.uniqueId) throw new No("INUSE", "Mailbox was changed meanwhile");
    applying.expected = found;
  } else if ("remove" in edit) {
    const old = expected?.name === edit.remove ? expected : write.find.get(edit.remove);
    if (!old) return;
    write.removeEntry.run(edit.remove);
    for (const identifier of lookupIdentifiers(old.acl)) write.ungrant.run(identifier, edit.remove);
    state.size -= 1;
    applying.noteChange(edit.remove, old.server !== "");
  } else if ("insert" in edit) {
    insertEntry(applying, edit.insert);
  } else {
    const old = write.find.get(edit.put.name);
    if (!old) insertEntry(applying, edit.put);
    else if (!isSameEntry(old, edit.put)) replaceEntry(applying, edit.put, old);
  }
}

function insertEntry({ write, state, noteChange }: Applying, entry: MailboxEntry): void {
  const { name, uniqueId, server, partition, acl, uidValidity } = entry;
  const { changes } = write.insertEntry.run(name, uniqueId, server, partition, acl, entry.state, uidValidity);
  if (changes === 0) throw new No("ALREADYEXISTS", "Mailbox already exists");
  for (const identifier of lookupIdentifiers(acl)) write.grant.run(identifier, name);
  state.size += 1;
  state.maxUidValidity = Math.max(state.maxUidValidity, uidValidity);
  noteChange(name, entry.server !== "");
}

function replaceEntry({ write, state, noteChange }: Applying, entry: MailboxEntry, old: MailboxEntry): void {
  const { name, uniqueId, server, partition, acl, uidValidity } = entry;
  write.replaceEntry.run(name, uniqueId, server, partition, acl, entry.state, uidValidity);
  if (old.acl !== acl) {
    for (const identifier of lookupIdentifiers(old.acl)) write.ungrant.run(identifier, name);
    for (const identifier of lookupIdentifiers(acl)) write.grant.run(identifier, name);
  }
  state.maxUidValidity = Math.max(state.maxUidValidity, uidValidity);
  noteChange(name, old.server !== "" || entry.server !== "");
}

/** Entries in name order go in together when there is nothing yet between the first and the last; else false. */
function insertRun({ write, state, noteChange }: Applying, run: readonly MailboxEntry[]): boolean {
  const first = run[0];
  if (first === undefined || write.findBetween.get(first.name, run.at(-1)!.name) !== null) return false;
  write.insertMany(run);
  state.size += run.length;
  for (const entry of run) {
    state.maxUidValidity = Math.max(state.maxUidValidity, entry.uidValidity);
    noteChange(entry.name, entry.server !== "");
  }
  return true;
}

function ascendingPuts(edits: readonly ListEdit[], from: number): readonly MailboxEntry[] {
  const run: MailboxEntry[] = [];
  for (let edit = edits[from]; edit && "put" in edit && run.length < entriesInRun; edit = edits[from + run.length]) {
    const last = run.at(-1);
    if (last !== undefined && edit.put.name <= last.name) break;
    run.push(edit.put);
  }
  return run;
}

function applyJournalEdit(write: Writes, edit: JournalEdit): void {
  if ("clear" in edit) {
    write.clearRecord.run(edit.clear);
    return;
  }
  const record = "begin" in edit ? edit.begin : "take" in edit ? edit.take : edit.write;
  const known = "write" in edit ? null : write.findRecord.get(record.name);
  if ("take" in edit ? known?.worker !== edit.from : known !== null) {
    throw new No("INUSE", "Another operation on the mailbox is not finished");
  }
  write.writeRecord.run(record.name, record.worker, JSON.stringify(record.work));
}

function finishFeed(write: Writes, state: ListState, isLogged: boolean): void {
  if (!isLogged) state.feedFloor = state.sequence;
  else if (state.sequence - state.feedFloor > maxFeedLength) state.feedFloor = state.sequence - maxFeedLength / 2;
  write.trimFeed.run(state.feedFloor);
  write.writeState.run(state.sequence, state.feedFloor, state.size, state.maxUidValidity);
}

/** Entries of the journal as they are stored. */
export function readJournal(db: Database): readonly JournalRecord[] {
  const rows = db.query<{ name: MailboxName; worker: string; work: string }, []>("SELECT * FROM journal ORDER BY name");
  return rows.all().map((row) => ({ ...row, work: JSON.parse(row.work) }));
}

function isSameEntry(a: MailboxEntry, b: MailboxEntry): boolean {
  return (
    a.acl === b.acl &&
    a.state === b.state &&
    a.server === b.server &&
    a.partition === b.partition &&
    a.uniqueId === b.uniqueId &&
    a.uidValidity === b.uidValidity
  );
}

type EntryValues = [string, string, string, string, string, string, number];
type Writes = ReturnType<typeof prepareWrites>;

function prepareWrites(db: Database) {
  const columns = "(name, uniqueid, server, partition, acl, state, uidvalidity) VALUES (?, ?, ?, ?, ?, ?, ?)";
  return {
    readState: db.query<ListState, []>(selectState),
    find: db.query<MailboxEntry, [string]>(`SELECT ${entryColumns} FROM mailbox m WHERE m.name = ?`),
    insertEntry: db.query<null, EntryValues>(`INSERT INTO mailbox ${columns} ON CONFLICT (name) DO NOTHING`),
    insertMany: manyInserter(db),
    findBetween: db.query<{ one: 1 }, [string, string]>(
      "SELECT 1 AS one FROM mailbox WHERE name BETWEEN ? AND ? LIMIT 1",
    ),
    replaceEntry: db.query<null, EntryValues>(`REPLACE INTO mailbox ${columns}`),
    removeEntry: db.query<null, [string]>("DELETE FROM mailbox WHERE name = ?"),
    grant: db.query<null, [string, string]>("INSERT OR IGNORE INTO granted VALUES (?, ?)"),
    ungrant: db.query<null, [string, string]>("DELETE FROM granted WHERE identifier = ? AND name = ?"),
    logChange: db.query<null, [number, string]>("INSERT INTO change VALUES (?, ?)"),
    trimFeed: db.query<null, [number]>("DELETE FROM change WHERE sequence <= ?"),
    findRecord: db.query<{ worker: string }, [string]>("SELECT worker FROM journal WHERE name = ?"),
    writeRecord: db.query<null, [string, string, string]>("REPLACE INTO journal VALUES (?, ?, ?)"),
    clearRecord: db.query<null, [string]>("DELETE FROM journal WHERE name = ?"),
    writeState: db.query<null, [number, number, number, number]>(
      "UPDATE list_state SET sequence = ?, feed_floor = ?, size = ?, max_uid_validity = ?",
    ),
  };
}
