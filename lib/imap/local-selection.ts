// A mailbox of this server, selected by a session: the view that sequence numbers count in, and what has to be told. The
// view only changes when that is told (selection-news.ts): what was expunged keeps its number until the client has heard of it (RFC 3501
// §7.4.1). An idle session holds its UIDs, four octets each, and little more.

import type { Rights } from "../mailbox/acl.ts";
import type { MailboxEntry } from "../mailbox/list.ts";
import type { Mailbox, MessageBody, MessageRecord, ModSeq, Uid } from "../mailbox/store.ts";
import type { NumberRange } from "../wire/sequence-set.ts";
import { rightsOf } from "./access.ts";
import { hasCondstore } from "./condstore.ts";
import { formatFlags, permanentFlags, systemFlagNames } from "./parse/flags.ts";
import { RecentRanges } from "./recent-ranges.ts";
import { bodyIn } from "./search/searched.ts";
import { SelectionNews } from "./selection-news.ts";
import type { Session } from "./session.ts";
import { insertedAt, removeAll } from "./view.ts";

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
  readonly #news: SelectionNews;
  /** How many keywords the client has heard of: a mailbox never forgets one. */
  #keywordCount = 0;

  constructor(session: Session, entry: MailboxEntry, mailbox: Mailbox, isReadOnly: boolean, isExamined: boolean) {
    this.mailbox = mailbox;
    this.isReadOnly = isReadOnly;
    this.#claimsRecent = !isExamined;
    this.#entry = entry;
    this.#listSequence = session.server.list.sequence;
    // In this order: what changes in between is noticed later, and noticing twice does no harm.
    this.#news = new SelectionNews(this);
    this.#uids = mailbox.uids();
    this.#takeRecent();
  }

  /** Internal, as it was at SELECT or is by now. */
  get name(): string {
    return this.#entry.name;
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

  /** What changes of a message, as FETCH tells it unasked: its flags, and its MODSEQ to who understands that. */
  stateOf(session: Session, record: MessageRecord, flags = this.flagsOf(record)): string {
    const state = `FLAGS ${flags} UID ${record.uid}`;
    return hasCondstore(session) ? `${state} MODSEQ (${record.modSeq})` : state;
  }

  /** Notes that the client knows this state of the message: `announce` does not repeat it. */
  told(uid: Uid, state: string): void {
    this.#news.told(uid, state);
  }

  /** The client knows everything up to it. */
  get modSeq(): ModSeq {
    return this.#news.modSeq;
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

  /** Tells what is new (selection-news.ts). */
  announce(session: Session, mayExpunge: boolean, tellsFlags = true): void {
    this.#news.announce(session, mayExpunge, tellsFlags);
  }

  /** The same before a tagged OK that may tell of removals: its code for who understands MODSEQs (RFC 7162 §3.2.7). */
  announceRemovals(session: Session): string | undefined {
    return this.#news.announceRemovals(session);
  }

  /** Takes messages out of the view. */
  drop(gone: readonly Uid[]): void {
    this.#uids = removeAll(this.#uids, gone);
  }

  /** Adds messages with higher UIDs to the view. */
  grow(fresh: readonly Uid[]): void {
    const grown = new Uint32Array(this.#uids.length + fresh.length);
    grown.set(this.#uids);
    grown.set(fresh, this.#uids.length);
    this.#uids = grown;
    this.#takeRecent();
  }

  /** Lets go of the mailbox. */
  close(): void {
    this.mailbox.release();
  }

  #takeRecent(): void {
    const newest = this.#uids.at(-1);
    if (newest !== undefined) this.#recent.add(this.mailbox.takeRecent(this.#claimsRecent), newest);
  }
}
