// The authority's list of mailboxes (RFC 3656 §4), as an interface: what a store behind a MUPDATE master must promise.
// `reserve` is an atomic create-if-absent, a resolved write is on disk, `barrier` is a read barrier, and reads never wait
// for writers nor delay them. A replica offers the reading half.

import type { Acl } from "../mailbox/acl.ts";
import type { FeedPosition } from "../mailbox/feed.ts";
import type { Location } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { MailboxRecord } from "./record.ts";

export interface RegistryChange {
  readonly name: MailboxName;
  /** Undefined: the name is gone. */
  readonly record: MailboxRecord | undefined;
  /** False when the name was certainly not there before. */
  readonly wasPresent: boolean;
}

/** Undefined: changes were missed, so start over with a full list. */
export type RegistryListener = (changes: readonly RegistryChange[] | undefined) => void;

export interface RegistryReader {
  readonly size: number;
  find(name: MailboxName): MailboxRecord | undefined;
  /**
   * All records, in the order of Cyrus' mailboxes.db. May be stepped through slowly while the registry changes: what is
   * there all the time comes exactly once; changes meanwhile may or may not show, so watch first, then walk.
   */
  records(): Iterable<MailboxRecord>;
  /** Calls back with every change after it happened, in order. Returns the way to stop. */
  watch(listener: RegistryListener): () => void;
  /** The feed's name and the number of the last change that shows in `find` and was given to the watchers. */
  readonly position: FeedPosition;
  /**
   * The names changed since, and perhaps more, some more than once; undefined when the feed does not reach back to that
   * position or never had it. May be stepped through slowly; throws when the feed is cut short meanwhile. Numbers survive
   * a restart of the server.
   */
  namesSince(position: FeedPosition): Iterable<MailboxName> | undefined;
  /** Resolves when every write accepted before the call shows in `find` and was given to the watchers. */
  barrier(): Promise<void>;
}

/** Writes reject with No (refused: nothing changed) or No("UNAVAILABLE") (unknown: ask again). */
export interface Registry extends RegistryReader {
  /** Claims a name. Refused when it is taken at another location; at the same one it is (again) reserved. */
  reserve(name: MailboxName, location: Location): Promise<void>;
  /** Publishes a mailbox, its new ACL or its new location; needs no reservation (RFC 3656 §4.2). */
  activate(name: MailboxName, location: Location, acl: Acl): Promise<void>;
  /** Turns an active mailbox into a reserved name at `location`; refused when it is not active. */
  deactivate(name: MailboxName, location: Location): Promise<void>;
  /** Removes a name; refused when it is not there. */
  remove(name: MailboxName): Promise<void>;
}
