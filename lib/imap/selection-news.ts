// What a session has to be told of its selected mailbox: arrivals, flags and removals, by this session or others. A removal
// is told when the running command allows it (RFC 9051 §7.5.1); to a client of QRESYNC as VANISHED (RFC 7162 §3.2.10).

import type { Changes, ModSeq, Uid } from "../mailbox/store.ts";
import { formatSequenceSet } from "../wire/sequence-set.ts";
import { hasCondstore, hasQresync } from "./condstore.ts";
import type { LocalSelection } from "./local-selection.ts";
import type { Session } from "./session.ts";

const batchSize = 256;

export class SelectionNews {
  readonly #selection: LocalSelection;
  #version: number;
  #modSeq: ModSeq;
  /** Expunged by others, not told yet, ascending. */
  #withheld: readonly Uid[] | undefined;
  /** What the client knows everything up to, while removals are withheld. */
  #modSeqBefore: ModSeq | undefined;
  /** Flags that were changed, not told yet. */
  #withheldFlags: readonly Uid[] | undefined;
  /** What the running command has told or the client knows without being told, by UID. */
  #told: Map<Uid, string> | undefined;
  /** Removals were told: up to which MODSEQ the client cannot see from them. */
  #owesModSeq = false;

  constructor(selection: LocalSelection) {
    this.#selection = selection;
    this.#version = selection.mailbox.version();
    this.#modSeq = selection.mailbox.totals().highestModSeq;
  }

  get modSeq(): ModSeq {
    return this.#modSeqBefore ?? this.#modSeq;
  }

  told(uid: Uid, state: string): void {
    this.#told ??= new Map();
    this.#told.set(uid, state);
  }

  /**
   * Sends what changed since the last call; removals only when `mayExpunge`, flags unless the client wants to hear of them
   * in answers only (RFC 5465 §5.1). Never throws.
   */
  announce(session: Session, mayExpunge: boolean, tellsFlags: boolean): void {
    this.#announce(session, mayExpunge, tellsFlags);
    if (!hasCondstore(session)) return;
    // Whoever sees higher MODSEQs must not believe that he knows all before them (RFC 7162 §3.2, §6).
    if (this.#withheld ? tellsFlags : this.#owesModSeq) session.untagged(`OK [HIGHESTMODSEQ ${this.modSeq}] Ok`);
    this.#owesModSeq = false;
  }

  /** Tells removals, too. Gives the code for the tagged OK; undefined when the mailbox is lost, or nobody wants it. */
  announceRemovals(session: Session): string | undefined {
    this.#announce(session, true, true);
    const isTold = this.#owesModSeq && hasCondstore(session);
    this.#owesModSeq = false;
    return isTold && session.selection ? `HIGHESTMODSEQ ${this.#modSeq}` : undefined;
  }

  #announce(session: Session, mayExpunge: boolean, tellsFlags: boolean): void {
    const { mailbox } = this.#selection;
    try {
      const version = mailbox.version();
      if (version !== this.#version) {
        this.#version = version;
        this.#tell(session, mailbox.changesSince(this.#modSeq, session.user.user), mayExpunge, tellsFlags);
      } else if (mayExpunge && this.#withheld) this.#tellExpunged(session, []);
      if (tellsFlags && this.#withheldFlags) this.#tellWithheldFlags(session, this.#withheldFlags);
    } catch (fault) {
      lose(session, this.#selection, fault);
    } finally {
      this.#told = undefined;
    }
  }

  #tell(session: Session, changes: Changes, mayExpunge: boolean, tellsFlags: boolean): void {
    const before = this.#modSeq;
    this.#modSeq = changes.highestModSeq;
    const expunged = changes.expunged ?? this.#missing();
    if (mayExpunge) this.#tellExpunged(session, expunged);
    else if (expunged.length > 0) {
      this.#modSeqBefore ??= before;
      this.#withheld = merged(this.#withheld, expunged);
    }
    this.#tellArrived(session, changes.arrived);
    if (changes.hasNewKeywords) this.#selection.announceKeywords(session);
    if (tellsFlags) this.#tellFlags(session, changes.flagged);
    else if (changes.flagged.length > 0) this.#withheldFlags = merged(this.#withheldFlags, changes.flagged);
  }

  /** More was expunged than the mailbox remembers. */
  #missing(): readonly Uid[] {
    const { mailbox, uids } = this.#selection;
    const present = new Set(mailbox.uids());
    return (Array.from(uids) as Uid[]).filter((uid) => !present.has(uid)); // a view holds nothing but UIDs
  }

  #tellWithheldFlags(session: Session, flagged: readonly Uid[]): void {
    this.#withheldFlags = undefined;
    this.#tellFlags(session, flagged);
  }

  #tellExpunged(session: Session, expunged: readonly Uid[]): void {
    const selection = this.#selection;
    const gone = merged(this.#withheld, expunged).filter((uid) => selection.indexOf(uid) >= 0);
    this.#withheld = undefined;
    this.#modSeqBefore = undefined;
    if (gone.length === 0) return;
    const text = hasQresync(session)
      ? `* VANISHED ${formatSequenceSet(gone)}\r\n`
      : gone.map((uid, count) => `* ${selection.indexOf(uid) + 1 - count} EXPUNGE\r\n`).join("");
    selection.drop(gone);
    this.#owesModSeq = true;
    session.send(text);
  }

  #tellArrived(session: Session, arrived: readonly Uid[]): void {
    const selection = this.#selection;
    const newest = selection.uids.at(-1) ?? 0;
    const fresh = arrived.filter((uid) => uid > newest);
    if (fresh.length === 0) return;
    selection.grow(fresh);
    session.send(`* ${selection.uids.length} EXISTS\r\n* ${selection.recentCount} RECENT\r\n`);
  }

  #tellFlags(session: Session, flagged: readonly Uid[]): void {
    const selection = this.#selection;
    for (let start = 0; start < flagged.length; start += batchSize) {
      let text = "";
      for (const record of selection.mailbox.records(flagged.slice(start, start + batchSize), session.user.user)) {
        const index = selection.indexOf(record.uid);
        const state = selection.stateOf(session, record);
        if (index < 0 || this.#told?.get(record.uid) === state) continue;
        text += `* ${index + 1} FETCH (${state})\r\n`;
      }
      if (text !== "") session.send(text);
    }
  }
}

function merged(some: readonly Uid[] | undefined, more: readonly Uid[]): readonly Uid[] {
  return some ? [...new Set([...some, ...more])].sort((a, b) => a - b) : more;
}

/** The mailbox was deleted or moved away: the session goes on without it. */
function lose(session: Session, { name }: LocalSelection, fault: unknown): void {
  session.log.notice("selected mailbox lost", { mailbox: name, fault: String(fault) });
  session.deselect();
  session.untagged("OK [CLOSED] Mailbox is no longer available");
}
