// A mailbox of this server, selected by a session: the view that sequence numbers count in, and what has to be told. The
// view only changes in `announce`: what was expunged keeps its number until the client has heard of it (RFC 3501
// §7.4.1). An idle session holds its UIDs, four octets each, and little more.

import type { Rights } from "../mailbox/acl.ts";
import type { MailboxEntry } from "../mailbox/list.ts";
import type { Changes, Mailbox, MessageBody, MessageRecord, ModSeq, Uid } from "../mailbox/store.ts";
import type { NumberRange } from "../wire/sequence-set.ts";
import { rightsOf } from "./access.ts";
import { formatFlags, permanentFlags, systemFlagNames } from "./parse/flags.ts";
import { RecentRanges } from "./recent-ranges.ts";
import { bodyIn } from "./search/searched.ts";
import type { Session } from "./session.ts";
import { insertedAt, removeAll } from "./view.ts";

const batchSize = 256;
const noUids = new Uint32Array(0);

export class LocalSelection {
  readonly mailbox: Mailbox;
  /** EXAMINE, or no right to change anything. */
  readonly isReadOnly: boolean;
  /** UIDs that the last SEARCH saved, ascending: "$" (RFC 5182). Those that are gone are in no view any more. */
  saved: Uint32Array = noUids;
  readonly #recent = new RecentRanges();
  /** \Recent is taken from others by SELECT, not by EXAMINE (R15). */
  readonly #claimsRecent: boolean;
  #entry: MailboxEntry;
  #listSequence: number;
  #uids: Uint32Array;
  #version: number;
  #modSeq: ModSeq;
  /** Expunged by others, not told yet, ascending. */
  #withheld: readonly Uid[] | undefined;
  /** Flags that were changed, not told yet. */
  #withheldFlags: readonly Uid[] | undefined;
  /** How many keywords the client has heard of: a mailbox never forgets one. */
  #keywordCount = 0;
  /** Flags that the running command has told or that the client knows without being told, by UID. */
  #told: Map<Uid, string> | undefined;

  constructor(session: Session, entry: MailboxEntry, mailbox: Mailbox, isReadOnly: boolean, isExamined: boolean) {
    this.mailbox = mailbox;
    this.isReadOnly = isReadOnly;
    this.#claimsRecent = !isExamined;
    this.#entry = entry;
    this.#listSequence = session.server.list.sequence;
    // In this order: what changes in between is noticed later, and noticing twice does no harm.
    this.#version = mailbox.version();
    this.#modSeq = mailbox.totals().highestModSeq;
    this.#uids = mailbox.uids();
    this.#takeRecent();
  }

  /** UIDs of the view, ascending; the message number of the first is 1. */
  get uids(): Uint32Array {
    return this.#uids;
  }

  get recentCount(): number {
    return this.#recent.countIn(this.#uids);
  }

  isRecent(uid: Uid): boolean {
    return this.#recent.has(uid);
  }

  uidAt(index: number): Uid {
    return this.#uids[index] as Uid; // a view holds nothing but UIDs
  }

  /** UIDs of the view from index `start` to `end`, excluded. */
  uidsAt(start: number, end: number): readonly Uid[] {
    return Array.from(this.#uids.subarray(start, end)) as Uid[];
  }

  /** All UIDs of some stretches of the view. */
  uidsIn(ranges: readonly NumberRange[]): readonly Uid[] {
    const [only, ...more] = ranges;
    if (only && more.length === 0) return this.uidsAt(only.first, only.last + 1);
    return ranges.flatMap(({ first, last }) => this.uidsAt(first, last + 1));
  }

  /** The message's number minus one; negative when the view has no such message. */
  indexOf(uid: Uid): number {
    const index = insertedAt(this.#uids, uid);
    return this.#uids[index] === uid ? index : -1;
  }

  /** The list's entry as it is now: ACLs change while a mailbox is selected. */
  entry(session: Session): MailboxEntry {
    const { list } = session.server;
    if (list.sequence !== this.#listSequence) {
      this.#listSequence = list.sequence;
      this.#entry = list.findById(this.#entry.uniqueId) ?? this.#entry;
    }
    return this.#entry;
  }

  rights(session: Session): Rights {
    return rightsOf(session, this.entry(session));
  }

  /** The message's octets; undefined when another session expunged it. */
  body(uid: Uid): MessageBody | undefined {
    return bodyIn(this.mailbox, uid);
  }

  flagsOf(record: MessageRecord): string {
    return formatFlags(record.flags, this.#recent.has(record.uid));
  }

  /** Notes that the client knows these flags of the message: `announce` does not repeat them. */
  told(uid: Uid, flags: string): void {
    this.#told ??= new Map();
    this.#told.set(uid, flags);
  }

  /** FLAGS and PERMANENTFLAGS, as SELECT shows them and whenever a keyword is new. */
  describeFlags(session: Session): string {
    const keywords = this.mailbox.keywords();
    this.#keywordCount = keywords.length;
    const names = [...systemFlagNames.map(([name]) => name), ...keywords].join(" ");
    const permanent = this.isReadOnly ? "" : permanentFlags(this.rights(session), keywords);
    return `* FLAGS (${names})\r\n* OK [PERMANENTFLAGS (${permanent})] Ok\r\n`;
  }

  /** Tells of new keywords before they are used. */
  announceKeywords(session: Session): void {
    if (this.mailbox.keywords().length !== this.#keywordCount) session.send(this.describeFlags(session));
  }

  /**
   * Sends what changed since the last call; EXPUNGE only when `mayExpunge` (RFC 9051 §7.5.1), flags unless the client wants
   * to hear of them in answers only (RFC 5465 §5.1). Never throws.
   */
  announce(session: Session, mayExpunge: boolean, tellsFlags = true): void {
    try {
      const version = this.mailbox.version();
      if (version !== this.#version) {
        this.#version = version;
        this.#tell(session, this.mailbox.changesSince(this.#modSeq, session.user.user), mayExpunge, tellsFlags);
      } else if (mayExpunge && this.#withheld) this.#tellExpunged(session, []);
      if (tellsFlags && this.#withheldFlags) this.#tellWithheldFlags(session, this.#withheldFlags);
    } catch (fault) {
      this.#lose(session, fault);
    } finally {
      this.#told = undefined;
    }
  }

  /** Lets go of the mailbox. */
  close(): void {
    this.mailbox.release();
  }

  #tell(session: Session, changes: Changes, mayExpunge: boolean, tellsFlags: boolean): void {
    this.#modSeq = changes.highestModSeq;
    if (changes.expunged.length > 0 && !mayExpunge) {
      this.#withheld = [...new Set([...(this.#withheld ?? []), ...changes.expunged])].sort((a, b) => a - b);
    } else if (mayExpunge) this.#tellExpunged(session, changes.expunged);
    this.#tellArrived(session, changes.arrived);
    if (changes.hasNewKeywords) this.announceKeywords(session);
    if (tellsFlags) this.#tellFlags(session, changes.flagged);
    else if (changes.flagged.length > 0) {
      this.#withheldFlags = [...new Set([...(this.#withheldFlags ?? []), ...changes.flagged])].sort((a, b) => a - b);
    }
  }

  #tellWithheldFlags(session: Session, flagged: readonly Uid[]): void {
    this.#withheldFlags = undefined;
    this.#tellFlags(session, flagged);
  }

  #tellExpunged(session: Session, expunged: readonly Uid[]): void {
    const gone = this.#withheld ? [...new Set([...this.#withheld, ...expunged])].sort((a, b) => a - b) : expunged;
    this.#withheld = undefined;
    if (gone.length === 0) return;
    let text = "";
    let count = 0;
    for (const uid of gone) {
      const index = this.indexOf(uid);
      if (index < 0) continue;
      text += `* ${index + 1 - count} EXPUNGE\r\n`;
      count += 1;
    }
    if (count === 0) return;
    this.#uids = removeAll(this.#uids, gone);
    session.send(text);
  }

  #tellArrived(session: Session, arrived: readonly Uid[]): void {
    const newest = this.#uids.at(-1) ?? 0;
    const fresh = arrived.filter((uid) => uid > newest);
    if (fresh.length === 0) return;
    const grown = new Uint32Array(this.#uids.length + fresh.length);
    grown.set(this.#uids);
    grown.set(fresh, this.#uids.length);
    this.#uids = grown;
    this.#takeRecent();
    session.send(`* ${grown.length} EXISTS\r\n* ${this.recentCount} RECENT\r\n`);
  }

  #tellFlags(session: Session, flagged: readonly Uid[]): void {
    for (let start = 0; start < flagged.length; start += batchSize) {
      let text = "";
      for (const record of this.mailbox.records(flagged.slice(start, start + batchSize), session.user.user)) {
        const index = this.indexOf(record.uid);
        const flags = this.flagsOf(record);
        if (index < 0 || this.#told?.get(record.uid) === flags) continue;
        text += `* ${index + 1} FETCH (FLAGS ${flags} UID ${record.uid})\r\n`;
      }
      if (text !== "") session.send(text);
    }
  }

  #takeRecent(): void {
    const newest = this.#uids.at(-1);
    if (newest !== undefined) this.#recent.add(this.mailbox.takeRecent(this.#claimsRecent), newest);
  }

  /** The mailbox was deleted or moved away: the session goes on without it. */
  #lose(session: Session, fault: unknown): void {
    session.log.notice("selected mailbox lost", { mailbox: this.#entry.name, fault: String(fault) });
    session.deselect();
    session.untagged("OK [CLOSED] Mailbox is no longer available");
  }
}
