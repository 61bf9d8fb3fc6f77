// The mailbox list (`mailboxes.db`): which mailboxes exist, where, and who may do what with them. An interface; sqlite
// and memory implementations stand beside it (list-sqlite.ts, list-memory.ts) under one conformance suite.
//
// Backends write it through mailbox/operations.ts. On a frontend only the replica process writes it; sessions read.
// Reads are synchronous: a lookup is one indexed read of a local file.

import type { Acl } from "./acl.ts";
import type { FeedPosition, FollowEdit, FollowedPosition } from "./feed.ts";
import type { JournalEdit, JournalRecord } from "./journal.ts";
import type { MailboxName } from "./name.ts";

/** Names a mailbox for its whole life, whatever it is called: a UUID in lower case. */
export type UniqueId = string & { readonly brand: "UniqueId" };

/**
 * active: in use. reserved: its name is taken, nothing to open yet (RFC 3656 §3.3). moving: on its way to `server`.
 * deleted: a tombstone.
 */
export type MailboxState = "active" | "reserved" | "moving" | "deleted";

export interface MailboxEntry {
  readonly name: MailboxName;
  /** Empty for a mailbox of another server: MUPDATE does not carry it. */
  readonly uniqueId: UniqueId;
  /** Server name; empty when the mailbox is on this server. */
  readonly server: string;
  readonly partition: string;
  readonly acl: Acl;
  readonly state: MailboxState;
  /** 0 for a mailbox of another server. */
  readonly uidValidity: number;
}

/** Where MUPDATE says a mailbox is: `server!partition` (RFC 3656 §3.3, Cyrus' form). */
export type Location = string & { readonly brand: "Location" };

export type ListEdit =
  | { readonly put: MailboxEntry } // inserts, or replaces the entry of that name
  | { readonly insert: MailboxEntry } // refuses the whole change with No("ALREADYEXISTS") when the name is taken
  | { readonly remove: MailboxName } // a name that is not there is fine
  | { readonly expect: MailboxName; readonly uniqueId: UniqueId }; // refuses with No("INUSE") when it is another mailbox now

export interface ListChange {
  readonly sequence: number;
  readonly name: MailboxName;
  /** Undefined: the name is gone. */
  readonly entry: MailboxEntry | undefined;
}

export interface MailboxList {
  find(name: MailboxName): MailboxEntry | undefined;
  findById(uniqueId: UniqueId): MailboxEntry | undefined;
  /** Every mailbox below `name`, at any depth, in name order; not `name` itself. */
  descendants(name: MailboxName): Iterable<MailboxEntry>;
  hasDescendants(name: MailboxName): boolean;
  /**
   * All entries whose name starts with `prefix` (all of them by default), in name order: by bytes, so that "a-b" stands
   * between "a" and "a.b". Safe to abandon half-way and across awaits; changes made meanwhile may or may not be seen.
   * `from`, which starts with `prefix` or stands after all that do: begins with the first name that is not before it.
   */
  entries(prefix?: string, from?: string): Iterable<MailboxEntry>;
  /**
   * Entries whose ACL gives any of `identifiers` the right to look them up, with name prefix `prefix` and `from` as above,
   * in name order: the reverse ACL index. A superset of what is granted: the caller still computes the rights (negative
   * entries). What owners and administrators have without an ACL entry is not in it.
   */
  grantedTo(identifiers: readonly string[], prefix?: string, from?: string): Iterable<MailboxEntry>;
  readonly size: number;

  /** Grows with every change, by whichever process. */
  readonly sequence: number;
  /** Changes after `sequence` in order, latest state per name; undefined when the feed does not reach back so far. */
  changesSince(sequence: number): readonly ListChange[] | undefined;
  /**
   * The names of these changes, oldest first, some more than once. Of a feed that `continues`; may be stepped through
   * slowly, and throws No("UNAVAILABLE") when the feed is cut short meanwhile.
   */
  namesChangedSince(sequence: number): Iterable<MailboxName>;
  /** Calls back soon after any change, by this or another process. Returns the way to stop. */
  watch(listener: () => void): () => void;
  /**
   * Begins a new era of the feed (feed.ts) and resolves to its name; for the one process that passes the feed on. As the
   * sole writer it passes on only its own changes: when another process changes the list all the same, nobody's place in
   * the feed is known any more.
   */
  beginFeed(isSoleWriter?: boolean): Promise<string>;
  /** Whether `changesSince(position.sequence)` completes what somebody at that position knows. */
  continues(position: FeedPosition): boolean;
  /** How far the list follows the feed of its master; undefined: no such place is known. */
  readonly followed: FollowedPosition | undefined;

  /**
   * Applies all edits, in order, and what they mean for unfinished operations and for `followed`, in one transaction: all
   * or none. Resolves, with the new sequence, when they are on disk.
   */
  change(edits: readonly ListEdit[], journal?: readonly JournalEdit[], follow?: FollowEdit): Promise<number>;
  /** `change` for thousands of edits: everybody else has turns meanwhile, but changes nothing. */
  changeMany(edits: readonly ListEdit[], journal: readonly JournalEdit[]): Promise<void>;
  /** Operations begun and not finished, by this process, another one, or one that crashed. */
  journal(): readonly JournalRecord[];
  /** A small fact that the processes of this server share. */
  note(key: string): string | undefined;
  /**
   * Sets a note, or removes it, if it is `expected` now; resolves when that is on disk, to false when it was another: some
   * other process was faster.
   */
  setNote(key: string, value: string | undefined, expected: string | undefined): Promise<boolean>;
  /** The highest UIDVALIDITY any mailbox of this list ever had: the next must be higher. */
  readonly maxUidValidity: number;

  /** False until the first full copy of the master's list is here: until then nothing is known not to exist. */
  readonly isComplete: boolean;
  setComplete(isComplete: boolean): Promise<void>;
  close(): void;
}
