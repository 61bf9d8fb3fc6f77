// The mailbox list in memory: for tests, and for tools that work on a copy. The same promises as list-sqlite.ts, without
// the disk.

import { No } from "../base/fault.ts";
import { lookupIdentifiers } from "./acl.ts";
import {
  type Era,
  type FeedPosition,
  type FollowEdit,
  type FollowedPosition,
  isInHistory,
  positionAfter,
} from "./feed.ts";
import type { JournalEdit, JournalRecord } from "./journal.ts";
import type { ListChange, ListEdit, MailboxEntry, MailboxList, UniqueId } from "./list.ts";
import type { MailboxName } from "./name.ts";

export class MemoryMailboxList implements MailboxList {
  #entries = new Map<MailboxName, MailboxEntry>();
  #journal = new Map<MailboxName, JournalRecord>();
  readonly #notes = new Map<string, string>();
  readonly #changes = new Map<MailboxName, number>();
  readonly #listeners = new Set<() => void>();
  /** Names in order; undefined after a change of the set of names. */
  #sorted: readonly MailboxName[] | undefined;
  #sequence = 0;
  readonly #eras: Era[] = [];
  #followed: FollowedPosition | undefined;
  #isComplete = false;
  #maxUidValidity = 0;

  find(name: MailboxName): MailboxEntry | undefined {
    return this.#entries.get(name);
  }

  findById(uniqueId: UniqueId): MailboxEntry | undefined {
    return uniqueId === "" ? undefined : this.#entries.values().find((entry) => entry.uniqueId === uniqueId);
  }

  descendants(name: MailboxName): Iterable<MailboxEntry> {
    return this.entries(`${name}.`);
  }

  hasDescendants(name: MailboxName): boolean {
    return !this.descendants(name)[Symbol.iterator]().next().done;
  }

  *entries(prefix = "", from = prefix): Generator<MailboxEntry> {
    for (let after: string | undefined; ; ) {
      const name = this.#names().at(this.#firstIndex(after === undefined ? from : `${after}\x01`));
      if (name === undefined || !name.startsWith(prefix)) return;
      yield this.#entries.get(name)!;
      after = name;
    }
  }

  *grantedTo(identifiers: readonly string[], prefix = "", from = prefix): Generator<MailboxEntry> {
    for (const entry of this.entries(prefix, from)) {
      if (lookupIdentifiers(entry.acl).some((identifier) => identifiers.includes(identifier))) yield entry;
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get maxUidValidity(): number {
    return this.#maxUidValidity;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  changesSince(sequence: number): readonly ListChange[] | undefined {
    if (sequence > this.#sequence) return undefined;
    return [...this.#changes]
      .filter(([, at]) => at > sequence)
      .sort(([, a], [, b]) => a - b)
      .map(([name, at]) => ({ sequence: at, name, entry: this.find(name) }));
  }

  namesChangedSince(sequence: number): Iterable<MailboxName> {
    return (this.changesSince(sequence) ?? []).map(({ name }) => name);
  }

  watch(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async beginFeed(): Promise<string> {
    const feed = crypto.randomUUID();
    this.#eras.push({ feed, first: this.#sequence });
    return feed;
  }

  continues(position: FeedPosition): boolean {
    return isInHistory(this.#eras, this.#sequence, position);
  }

  get followed(): FollowedPosition | undefined {
    return this.#followed;
  }

  async change(edits: readonly ListEdit[], journal: readonly JournalEdit[] = [], follow?: FollowEdit): Promise<number> {
    const before = { entries: this.#entries, journal: this.#journal };
    this.#entries = new Map(before.entries);
    this.#journal = new Map(before.journal);
    const changed = new Set<MailboxName>();
    try {
      for (const edit of edits) this.#apply(edit, changed);
      for (const edit of journal) this.#applyToJournal(edit);
    } catch (fault) {
      this.#entries = before.entries;
      this.#journal = before.journal;
      throw fault;
    }
    this.#sorted = undefined;
    const isForeign = (entry: MailboxEntry | undefined) => entry !== undefined && entry.server !== "";
    const isTouched = [...changed].some((name) => isForeign(before.entries.get(name)) || isForeign(this.find(name)));
    this.#followed = positionAfter(this.#followed, follow, isTouched);
    for (const name of changed) this.#changes.set(name, ++this.#sequence);
    if (changed.size > 0) for (const listener of [...this.#listeners]) listener();
    return this.#sequence;
  }

  async changeMany(edits: readonly ListEdit[], journal: readonly JournalEdit[]): Promise<void> {
    await this.change(edits, journal);
  }

  journal(): readonly JournalRecord[] {
    return [...this.#journal.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  note(key: string): string | undefined {
    return this.#notes.get(key);
  }

  async setNote(key: string, value: string | undefined, expected: string | undefined): Promise<boolean> {
    if (this.#notes.get(key) !== expected) return false;
    if (value === undefined) this.#notes.delete(key);
    else this.#notes.set(key, value);
    return true;
  }

  async setComplete(isComplete: boolean): Promise<void> {
    this.#isComplete = isComplete;
  }

  close(): void {
    this.#listeners.clear();
  }

  #apply(edit: ListEdit, changed: Set<MailboxName>): void {
    if ("expect" in edit) {
      if (this.find(edit.expect)?.uniqueId !== edit.uniqueId) throw new No("INUSE", "Mailbox was changed meanwhile");
    } else if ("remove" in edit) {
      if (this.#entries.delete(edit.remove)) changed.add(edit.remove);
    } else {
      const entry = "put" in edit ? edit.put : edit.insert;
      const old = this.find(entry.name);
      if ("insert" in edit && old) throw new No("ALREADYEXISTS", "Mailbox already exists");
      if (old && Bun.deepEquals(old, entry)) return;
      this.#entries.set(entry.name, entry);
      this.#maxUidValidity = Math.max(this.#maxUidValidity, entry.uidValidity);
      changed.add(entry.name);
    }
  }

  #applyToJournal(edit: JournalEdit): void {
    if ("clear" in edit) {
      this.#journal.delete(edit.clear);
      return;
    }
    const record = "begin" in edit ? edit.begin : "take" in edit ? edit.take : edit.write;
    const known = "write" in edit ? undefined : this.#journal.get(record.name);
    if ("take" in edit ? known?.worker !== edit.from : known !== undefined) {
      throw new No("INUSE", "Another operation on the mailbox is not finished");
    }
    this.#journal.set(record.name, record);
  }

  #names(): readonly MailboxName[] {
    this.#sorted ??= [...this.#entries.keys()].sort();
    return this.#sorted;
  }

  /** Index of the first name that is not below `bound`; the length when there is none. */
  #firstIndex(bound: string): number {
    const names = this.#names();
    let low = 0;
    let high = names.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (names[middle]! < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
