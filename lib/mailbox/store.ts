// The message store of a backend: what a mailbox holds. An interface; the durable implementation is in store-sqlite/, a
// memory one in store-memory.ts, both under one conformance suite. It knows UIDs, flags and bytes; names, ACLs and
// protocols are others' business.
//
// Durability: a resolved promise means "on disk" (DESIGN: message file synced, index commit synced). Reads are
// synchronous and small; long scans are cut into slices by the caller.

import type { UniqueId } from "./list.ts";

export type Uid = number & { readonly brand: "Uid" };
/** RFC 7162: grows with every change in a mailbox; 53 bits are kept. */
export type ModSeq = number & { readonly brand: "ModSeq" };

/** Bits of the system flags. \Recent is not a flag of a message but of a session: see `takeRecent`. */
export const SystemFlags = { answered: 1, flagged: 2, deleted: 4, draft: 8, seen: 16 } as const;

/** The flags of one message as one user sees them: \Seen is per user. */
export interface Flags {
  /** `SystemFlags` ORed together. */
  readonly system: number;
  /** Keywords as first written, in no special order. */
  readonly keywords: readonly string[];
}

export interface MessageRecord {
  readonly uid: Uid;
  readonly modSeq: ModSeq;
  readonly flags: Flags;
  /** Milliseconds since 1970 (whole seconds). */
  readonly internalDateMs: number;
  /** When the message came into this mailbox (RFC 8514), milliseconds since 1970. */
  readonly saveDateMs: number;
  /** Octets of the message with CRLF line ends (RFC822.SIZE). */
  readonly size: number;
  /** SHA-1 of the message, hexadecimal. */
  readonly guid: string;
}

export interface MailboxTotals {
  readonly uidValidity: number;
  readonly uidNext: Uid;
  readonly highestModSeq: ModSeq;
  readonly messages: number;
  /** Octets of all messages. */
  readonly bytes: number;
  readonly deleted: number;
}

/** What was made of a message when it arrived, ready to send (RFC 9051 §7.5.2), one latin1 string each. */
export interface CachedStructure {
  readonly envelope: string;
  /** With extension data (BODYSTRUCTURE). */
  readonly bodyStructure: string;
  /** Without (BODY). */
  readonly body: string;
}

/** The bytes of one message. Valid until the mailbox is released; survives an expunge while open. */
export interface MessageBody {
  readonly size: number;
  /** Octets `start`…`end` (end excluded), clipped to the message. Synchronous. */
  read(start: number, end: number): Uint8Array;
  /** Octets of the header including the empty line after it. */
  readonly headerSize: number;
}

/** Changes after a MODSEQ, for a session that brings its view up to date. */
export interface Changes {
  readonly highestModSeq: ModSeq;
  /** UIDs that are new since, ascending. */
  readonly arrived: readonly Uid[];
  /** UIDs whose flags (as this user sees them) changed since and that are not new, ascending. */
  readonly flagged: readonly Uid[];
  /** UIDs gone since, ascending; undefined when that is not known any more: then compare with `uids()`. */
  readonly expunged: readonly Uid[] | undefined;
  /** Keywords in use that were not before (FLAGS must be announced again). */
  readonly hasNewKeywords: boolean;
}

/** A message being written. Nothing of it is in any mailbox yet; a crash leaves nothing. */
export interface Staging {
  /** Takes bytes as they come. Resolves when more may be written. Rejects with No("UNAVAILABLE") when the disk is full. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Ends the message: its structure is computed. It is on disk when the first append of it is. */
  finish(): Promise<StagedMessage>;
  /** Throws the bytes away. */
  discard(): void;
}

/** A complete message that belongs to no mailbox yet; may be appended to several. */
export interface StagedMessage {
  readonly size: number;
  readonly headerSize: number;
  read(start: number, end: number): Uint8Array;
  /** Frees it; messages made of it stay. */
  discard(): void;
}

export interface NewMessage {
  readonly staged: StagedMessage;
  readonly flags: Flags;
  /** Milliseconds since 1970; cut to whole seconds. */
  readonly internalDateMs: number;
  /** The message that this one takes the place of, which is removed when this one is safe (MOVE, REPLACE). */
  readonly from?: MessageSource;
}

/** A mailbox as a murder knows it, wherever it is: its internal name, and which mailbox of that name. */
export interface MailboxSource {
  readonly mailbox: string;
  readonly uidValidity: number;
}

/** One message of the murder. UIDs are never given twice: whoever names the same one again repeats what he asked before. */
export interface MessageSource extends MailboxSource {
  readonly uid: number;
}

/** Asked inside the transaction, with what is about to be added; throws to refuse (quota). */
export type Admission = (octets: number, messages: number) => void;

export interface CopyOptions {
  /** System flags and keywords that are not taken along. */
  readonly allowed?: { readonly system: number; readonly keywords: boolean };
  /** The messages are moved: what this mailbox is called. */
  readonly movedFrom?: MailboxSource;
}

export type FlagOperation = "add" | "remove" | "replace";

export interface FlagChange {
  readonly uids: readonly Uid[];
  readonly operation: FlagOperation;
  readonly flags: Flags;
  /** Bits and keywords the user may not touch are left as they are: only these system bits are changed. */
  readonly allowedSystem: number;
  /** Whether keywords may be changed. */
  readonly mayChangeKeywords: boolean;
  /** RFC 7162 UNCHANGESINCE: messages with a higher MODSEQ are left alone and reported. */
  readonly unchangedSince?: ModSeq;
  /** What the caller knows everything up to: messages that had a higher MODSEQ before this change are reported. */
  readonly knownModSeq?: ModSeq;
}

export interface FlagChangeReport {
  /** UIDs left alone because of `unchangedSince`, ascending. */
  readonly unchanged: readonly Uid[];
  /** UIDs of which there was something new, as far as `knownModSeq` tells. */
  readonly hadNews?: ReadonlySet<Uid>;
  /** Of the change; undefined when it changed nothing. */
  readonly modSeq?: ModSeq | undefined;
}

/** A mailbox in use. Cheap: holds no descriptors of its own between calls. */
export interface Mailbox {
  readonly uniqueId: UniqueId;
  totals(): MailboxTotals;
  /** Messages without \Seen for `user`; `firstUid` is the lowest of them. */
  unseen(user: string): { readonly count: number; readonly firstUid: Uid | undefined };
  /** All UIDs, ascending: a session's view. */
  uids(): Uint32Array;
  /** Keywords in use in this mailbox. */
  keywords(): readonly string[];
  /** Records of those of `uids` that exist, ascending. Lazily read: stop whenever you like. */
  records(uids: readonly Uid[], user: string): Iterable<MessageRecord>;
  structure(uid: Uid): CachedStructure | undefined;
  body(uid: Uid): MessageBody | undefined;
  /** A number that differs whenever anything may have changed, in any process. Costs microseconds: ask at command boundaries. */
  version(): number;
  changesSince(modSeq: ModSeq, user: string): Changes;
  /**
   * UIDs of all messages expunged since, those that came since included, ascending; undefined when that is not known any
   * more, because only so many are remembered.
   */
  vanishedSince(modSeq: ModSeq): readonly Uid[] | undefined;
  /**
   * The lowest UID that is \Recent for the caller: everything from it on arrived since the last session asked. With
   * `claim` (SELECT, not EXAMINE or STATUS) later callers do not get these again.
   */
  takeRecent(claim: boolean): Uid;
  /** Calls back within 50 ms of a change by any process. Returns the way to stop. */
  watch(listener: () => void): () => void;

  /**
   * Adds all messages or none; UIDs ascending in the order given. `user` is whose \Seen the flags set. A message `from`
   * the same source, with the same octets, as one that is here already is not added again: its UID is that one's.
   * `replaces` is a message that goes in the same moment: rejects with No("EXPUNGEISSUED") when it is not there.
   */
  append(messages: readonly NewMessage[], user: string, admit?: Admission, replaces?: Uid): Promise<readonly Uid[]>;
  changeFlags(change: FlagChange, user: string): Promise<FlagChangeReport>;
  /** Removes those of `uids` that exist, returns them ascending. */
  expunge(uids: readonly Uid[]): Promise<readonly Uid[]>;
  /**
   * Copies those of `uids` that exist to `target`, all or none, flags and INTERNALDATE kept (\Seen of `user`). Files are
   * hard-linked where they can be. Returns source and new UIDs, pairwise. What was `movedFrom` here before is not copied
   * again, as in `append`.
   */
  copyTo(
    target: Mailbox,
    uids: readonly Uid[],
    user: string,
    admit?: Admission,
    options?: CopyOptions,
  ): Promise<{ readonly source: readonly Uid[]; readonly copied: readonly Uid[] }>;
  /** Ends this use of the mailbox. */
  release(): void;
}

export interface MessageStore {
  /** Makes an empty mailbox; on disk when resolved. `uidValidity` must be higher than any the name ever had. */
  create(uniqueId: UniqueId, partition: string, uidValidity: number): Promise<void>;
  /** Opens a mailbox; rejects with No("NONEXISTENT") when there is none and No("UNAVAILABLE") when it is damaged. */
  open(uniqueId: UniqueId, partition: string): Promise<Mailbox>;
  /** Removes a mailbox with all messages. Missing is fine. */
  remove(uniqueId: UniqueId, partition: string): Promise<void>;
  /** Whether the mailbox has a folder here. */
  exists(uniqueId: UniqueId, partition: string): boolean;
  /** Every mailbox folder of a partition: for recovery and consistency checks. */
  list(partition: string): Iterable<UniqueId>;
  /** Starts a message that will go to mailboxes of `partition`. */
  stage(partition: string): Promise<Staging>;
  /**
   * The exclusive maildrop lock of RFC 1939 §3, across processes. Rejects with No("INUSE") when another session has it.
   * Returns the way to release it.
   */
  lockMaildrop(uniqueId: UniqueId, partition: string): Promise<() => void>;
  close(): Promise<void>;
}
