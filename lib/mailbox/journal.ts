// Operations on the mailbox list that take several steps (a reservation at the master, a folder, a list entry …) are
// written down before the first step and crossed out after the last (seed 3.7). A record left behind says what a crash
// interrupted: operations/recovery.ts finishes or undoes it. Records live in the list's database and change in the same
// transaction as its entries. As the outbox of a backend they also say what the master still has to be told.

import type { Acl } from "./acl.ts";
import type { UniqueId } from "./list.ts";
import { isBelow, type MailboxName } from "./name.ts";

/** One mailbox of an operation that moves names. */
export interface RenamePair {
  readonly from: MailboxName;
  readonly to: MailboxName;
}

/** What was begun and how far it got. The steps say what may already have happened, not what has. */
export type JournalWork =
  /** reserve: the name may be reserved, the folder may exist. activate: the mailbox exists, the master must hear it. */
  | {
      readonly kind: "create";
      readonly step: "reserve" | "activate";
      readonly uniqueId: UniqueId;
      readonly partition: string;
    }
  /** unregister: the master may have only the name. spool: the entry is gone, name and folder have to go. */
  | {
      readonly kind: "delete";
      readonly step: "unregister" | "spool";
      readonly uniqueId: UniqueId;
      readonly partition: string;
    }
  /** reserve: new names may be reserved. announce: renamed here, the master must hear it. */
  | { readonly kind: "rename"; readonly step: "reserve" | "announce"; readonly pairs: readonly RenamePair[] }
  /** The master may have the new ACL; what our list has is right. */
  | { readonly kind: "acl"; readonly step: "announce"; readonly acl: Acl };

export interface JournalRecord {
  /** The name the operation claims: one unfinished operation a name. */
  readonly name: MailboxName;
  /** Which process is at it, and which of its pieces of work; empty when nobody is any more and anyone may finish it. */
  readonly worker: string;
  readonly work: JournalWork;
}

export type JournalEdit =
  | { readonly begin: JournalRecord } // refuses the change with No("INUSE") when the name has a record
  | { readonly write: JournalRecord } // inserts or replaces
  | { readonly take: JournalRecord; readonly from: string } // replaces the record of a worker; refuses with No("INUSE") any other
  | { readonly clear: MailboxName };

/**
 * Tells of another operation whether it may not run beside `records`: one touches a name that the other works on, or a
 * subtree that it moves.
 */
export function conflictWith(records: readonly JournalRecord[]): (other: JournalRecord) => boolean {
  const claimed = new Set(records.flatMap(namesOf));
  const moves = records.flatMap(movesOf);
  return (other) => {
    const theirs = movesOf(other);
    return (
      namesOf(other).some((name) => claimed.has(name) || moves.some((move) => isWithin(name, move))) ||
      (theirs.length > 0 && [...claimed].some((name) => theirs.some((move) => isWithin(name, move))))
    );
  };
}

function namesOf({ name, work }: JournalRecord): readonly MailboxName[] {
  return work.kind === "rename" ? [name, ...work.pairs.flatMap(({ from, to }) => [from, to])] : [name];
}

/** The subtrees that an operation moves: of a rename the first pair says it. */
function movesOf({ work }: JournalRecord): readonly RenamePair[] {
  return work.kind === "rename" ? work.pairs.slice(0, 1) : [];
}

function isWithin(name: MailboxName, { from, to }: RenamePair): boolean {
  return isBelow(name, from) || isBelow(name, to);
}
