// The mailbox list (`mailboxes.db`): which mailboxes exist, where, and who may do what with them. An interface; sqlite
// and memory implementations stand beside it (list-sqlite.ts, list-memory.ts) under one conformance suite.
//
// Backends write it through mailbox/operations.ts. On a frontend only the replica process writes it; sessions read.
// Reads are synchronous: a lookup is one indexed read of a local file.

import type { Acl } from "./acl.ts";
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
  | { readonly remove: MailboxName };

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
  /** All entries whose name starts with `prefix` (all of them by default), in name order. Safe to abandon half-way. */
  entries(prefix?: string): Iterable<MailboxEntry>;
  /**
   * Entries whose ACL names any of `identifiers` positively, with name prefix `prefix`, in name order: the reverse ACL
   * index. A superset of what is visible: the caller still computes the rights (negative entries).
   */
  grantedTo(identifiers: readonly string[], prefix?: string): Iterable<MailboxEntry>;
  readonly size: number;

  /** Grows with every change, by whichever process. */
  readonly sequence: number;
  /** Changes after `sequence` in order, latest state per name; undefined when the feed does not reach back so far. */
  changesSince(sequence: number): readonly ListChange[] | undefined;
  /** Calls back soon after any change, by this or another process. Returns the way to stop. */
  watch(listener: () => void): () => void;

  /** Applies all edits in one transaction and resolves, with the new sequence, when they are on disk. */
  change(edits: readonly ListEdit[]): Promise<number>;

  /** False until the first full copy of the master's list is here: until then nothing is known not to exist. */
  readonly isComplete: boolean;
  setComplete(isComplete: boolean): Promise<void>;
  close(): void;
}
