// Keeps a mailbox list equal to what one connection to a master streams: a whole list, merged through a map, or what was
// missed since the list's place in the master's feed; then every change as it comes, applied in groups. The place moves in
// the same transactions, so that whatever kills this process, the list and its place agree. Entries without a server are
// this machine's own mailboxes and never touched.

import type { Log } from "../base/log.ts";
import type { FollowEdit, FollowedPosition } from "../mailbox/feed.ts";
import type { ListEdit, MailboxEntry, MailboxList } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { UpdateReceiver } from "../mupdate/client.ts";
import { entryOf, type MailboxRecord, partsOf } from "../mupdate/record.ts";
import { inNameOrder, nextTurn } from "./name-order.ts";
import { WithheldNames } from "./withheld-names.ts";

export interface FollowerOptions {
  readonly list: MailboxList;
  /** Our own name in locations: what the master says of it is not news to us. */
  readonly ownServer: string;
  /** The master's feed; undefined: it has none. */
  readonly feed: string | undefined;
  readonly log: Log;
  /** Names that a whole list lacks are kept until `release`, when they are most of those here. */
  readonly keepsWhatIsMissing: boolean;
  /** Whether the connection still stands: without it a merge is given up. */
  readonly isOpen: () => boolean;
  /** The list could not be written: what was lost has to be fetched again. */
  readonly failed: (fault: unknown) => void;
  /** Everything up to that number of the master's feed is on disk. */
  readonly reached: (sequence: number) => void;
}

/** Edits in one transaction: two or three milliseconds. A merge of a million entries must not hold the loop. */
const editsPerChange = 500;
/** The same of new entries in a list that is filled for the first time. */
const editsWhileFilling = 1000;
const comparedBetweenTurns = 1024;

export class ListFollower implements UpdateReceiver {
  readonly #options: FollowerOptions;
  /** The whole list as far as it came; undefined when it is merged, or only what was missed comes. */
  #whole: Map<MailboxName, MailboxRecord> | undefined;
  /** Streamed and not yet applied, latest state per name. */
  readonly #changes = new Map<MailboxName, MailboxRecord | undefined>();
  /** The last mark, and the last one whose changes are all on disk. */
  #mark: number | undefined;
  #appliedMark: number | undefined;
  /** Where the list is, as it is stored; first perhaps in an earlier era of the feed. */
  #place: FollowedPosition | undefined;
  /**
   * An own mailbox stands where the master knows another: when it goes, its name has to be looked up in a full list. So
   * the list has no place until a full list showed no such name.
   */
  #isShadowing = false;
  readonly #withheld = new WithheldNames();
  /** The list has no place because of withheld names: it gets one again when they are dealt with. */
  #isPlaceless = false;
  #isHeld = true;
  #applying: Promise<void> | undefined;

  /** `position`: where the list is in the master's feed, when only what was missed will come; undefined: the whole list. */
  constructor(options: FollowerOptions, position: FollowedPosition | undefined) {
    this.#options = options;
    this.#whole = position ? undefined : new Map();
    this.#place = position;
    this.#isHeld = position === undefined;
  }

  record(record: MailboxRecord): void {
    if (this.#whole) this.#whole.set(record.name, record);
    else this.#change(record.name, record);
  }

  deletion(name: MailboxName): void {
    if (this.#whole) this.#whole.delete(name);
    else this.#change(name, undefined);
  }

  mark(sequence: number): void {
    this.#mark = sequence;
    this.#apply();
  }

  /** Call when all that the stream began with has come: resolves when it is on disk. */
  async complete(): Promise<void> {
    const whole = this.#whole;
    if (!whole) return this.applied();
    this.#whole = undefined; // from here on records are changes, kept until the merge is over
    const mark = this.#mark;
    const { list } = this.#options;
    if (list.followed) await list.change([], [], "lose");
    await this.#merge(whole);
    await list.setComplete(true);
    await this.#settleAt(mark);
    this.#isHeld = false;
    this.#apply();
  }

  /** Whether names are kept here that the master does not have: it may have lost its list. */
  get withholds(): boolean {
    return this.#withheld.isNeeded;
  }

  /** Lets names go that the master has not named again. */
  release(): void {
    const names = this.#withheld.release();
    if (names.length === 0) return;
    this.#options.log.warning("names go that the master does not have any more", { names: names.length });
    for (const name of names) if (!this.#changes.has(name)) this.#changes.set(name, undefined);
    this.#apply();
  }

  /** Resolves when everything that has come is on disk, or could not be written. */
  async applied(): Promise<void> {
    while (this.#applying) await this.#applying;
  }

  /** Ends without what is not applied yet. */
  async abandon(): Promise<void> {
    this.#isHeld = true;
    await this.applied();
  }

  async #settleAt(mark: number | undefined): Promise<void> {
    if (mark === undefined) return;
    this.#place = this.#placeAt(mark);
    if (this.#place) await this.#options.list.change([], [], { set: this.#place });
    this.#appliedMark = mark;
    this.#options.reached(mark);
  }

  /** Makes the list equal to `remote`. Nothing here holds the loop for long, however long the list is. */
  async #merge(remote: Map<MailboxName, MailboxRecord>): Promise<void> {
    const differences = this.#plausible(await this.#compare(remote));
    for (const record of remote.values()) {
      if (!this.#isOurs(record)) differences.push({ name: record.name, record });
    }
    const ordered = await inNameOrder(differences);
    // A group is on its way to the disk while the next one is written.
    let before: Promise<unknown> = Promise.resolve();
    const step = this.#options.list.isComplete ? editsPerChange : editsWhileFilling;
    for (let at = 0; at < ordered.length; at += step) {
      const change = this.#options.list.change(ordered.slice(at, at + step).map(editOf));
      change.catch(() => {}); // heard of below, unless the one before has failed
      await Promise.all([before, nextTurn()]);
      before = change;
      if (!this.#options.isOpen()) throw new Error("the connection was lost while the list was being merged");
    }
    await before;
  }

  /** Without the removals, for now, when the master lacks most of the names that are here. */
  #plausible(differences: Difference[]): Difference[] {
    const { list, log, keepsWhatIsMissing } = this.#options;
    const missing = differences.filter(({ record }) => record === undefined);
    const names = missing.map(({ name }) => name);
    if (!keepsWhatIsMissing || !this.#withheld.withhold(names, list.size)) return differences;
    this.#isPlaceless = true;
    log.error("the master lacks most of the list, which is kept for now", { missing: names.length, here: list.size });
    return differences.filter(({ record }) => record !== undefined);
  }

  /** What has to change of the entries that are here; takes their names out of `remote`. */
  async #compare(remote: Map<MailboxName, MailboxRecord>): Promise<Difference[]> {
    const differences: Difference[] = [];
    let compared = 0;
    for (const entry of this.#options.list.entries()) {
      const { name } = entry;
      const record = remote.get(name);
      remote.delete(name);
      if (isOwn(entry)) {
        this.#noteShadow(record);
      } else if (!record || this.#isOurs(record)) {
        differences.push({ name, record: undefined });
      } else if (!isUpToDate(entry, record)) {
        differences.push({ name, record });
      }
      if (++compared % comparedBetweenTurns === 0) await nextTurn();
    }
    return differences;
  }

  #change(name: MailboxName, record: MailboxRecord | undefined): void {
    this.#withheld.heard(name);
    const known = this.#options.list.find(name);
    if (known && isOwn(known)) {
      this.#noteShadow(record);
      return;
    }
    const isKept = record && !this.#isOurs(record);
    this.#changes.set(name, isKept ? record : undefined);
    this.#apply();
  }

  /** Applies what has been streamed: everything that came in one turn of the loop, or during the last write, together. */
  #apply(): void {
    if (this.#isHeld || this.#applying || !this.#hasNews()) return;
    this.#applying = this.#applyAll()
      .catch((fault: unknown) => {
        this.#isHeld = true;
        this.#options.failed(fault);
      })
      .finally(() => {
        this.#applying = undefined;
        this.#apply();
      });
  }

  async #applyAll(): Promise<void> {
    await nextTurn();
    while (this.#hasNews() && !this.#isHeld) {
      const edits: ListEdit[] = [];
      for (const [name, record] of this.#changes) {
        if (edits.length >= editsPerChange) break;
        this.#changes.delete(name);
        edits.push(editOf({ name, record }));
      }
      // The mark covers what came before it: it is reached when nothing is left.
      const mark = this.#changes.size === 0 ? this.#mark : this.#appliedMark;
      const isMoved = mark !== undefined && mark !== this.#appliedMark;
      const follow = this.#regained() ?? this.#moveTo(isMoved ? this.#placeAt(mark) : this.#place);
      await this.#options.list.change(edits, [], follow);
      if (!isMoved) continue;
      this.#appliedMark = mark;
      this.#options.reached(mark);
    }
  }

  #hasNews(): boolean {
    return this.#changes.size > 0 || this.#mark !== this.#appliedMark;
  }

  /** The place, when nothing is withheld any more and the next change leaves nothing to do. */
  #regained(): FollowEdit | undefined {
    const isOver = this.#isPlaceless && !this.#withheld.isNeeded && this.#changes.size === 0;
    if (!isOver || this.#mark === undefined) return undefined;
    this.#isPlaceless = false;
    this.#place = this.#placeAt(this.#mark);
    return this.#place && { set: this.#place };
  }

  /** What the next change means for the place. */
  #moveTo(next: FollowedPosition | undefined): FollowEdit {
    const from = this.#place?.feed;
    this.#place = this.#isShadowing || this.#isPlaceless ? undefined : next;
    return from !== undefined && this.#place ? { advance: this.#place, from } : "lose";
  }

  #placeAt(sequence: number): FollowedPosition | undefined {
    const { feed, ownServer } = this.#options;
    return feed === undefined || this.#isShadowing || this.#isPlaceless ? undefined : { feed, sequence, ownServer };
  }

  #noteShadow(record: MailboxRecord | undefined): void {
    if (!record || this.#isOurs(record)) return;
    this.#isShadowing = true;
    this.#options.log.warning("mailbox in two places", { mailbox: record.name, master: record.location });
  }

  #isOurs(record: MailboxRecord): boolean {
    return partsOf(record.location).server === this.#options.ownServer;
  }
}

interface Difference {
  readonly name: MailboxName;
  /** Undefined: the name goes. */
  readonly record: MailboxRecord | undefined;
}

function editOf({ name, record }: Difference): ListEdit {
  return record ? { put: entryOf(record) } : { remove: name };
}

function isOwn(entry: MailboxEntry): boolean {
  return entry.server === "";
}

function isUpToDate(entry: MailboxEntry, record: MailboxRecord): boolean {
  const { server, partition } = partsOf(record.location);
  return (
    entry.server === server &&
    entry.partition === partition &&
    entry.state === record.state &&
    (entry.acl === record.acl || record.state === "reserved")
  );
}
