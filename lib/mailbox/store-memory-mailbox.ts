// One mailbox of the memory store (store-memory.ts).

import { CryptoHasher } from "bun";
import type { Clock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { UniqueId } from "./list.ts";
import {
  type Admission,
  type CachedStructure,
  type Changes,
  type CopyOptions,
  type FlagChange,
  type FlagChangeReport,
  type Flags,
  type Mailbox,
  type MailboxTotals,
  type MessageBody,
  type MessageRecord,
  type MessageSource,
  type ModSeq,
  type NewMessage,
  type StagedMessage,
  SystemFlags,
  type Uid,
} from "./store.ts";

interface Message {
  readonly uid: Uid;
  readonly created: number;
  readonly bytes: Uint8Array;
  readonly guid: string;
  readonly headerSize: number;
  readonly structure: CachedStructure;
  readonly internalDateMs: number;
  readonly saveDateMs: number;
  modSeq: number;
  system: number;
  keywords: readonly string[];
  /** By user: whether, and since which MODSEQ. */
  readonly seen: Map<string, { readonly isSeen: boolean; readonly modSeq: number }>;
}

export interface MemoryMailboxState {
  readonly uniqueId: UniqueId;
  readonly uidValidity: number;
  uidNext: number;
  modSeq: number;
  recent: number;
  isRemoved: boolean;
  messages: Map<Uid, Message>;
  readonly maxTombstones: number;
  /** The highest MODSEQ of tombstones that were thrown away. */
  forgotten: number;
  tombstones: { readonly uid: Uid; readonly created: number; readonly modSeq: number }[];
  /** Name as first written and MODSEQ, by lower-case name. */
  readonly keywords: Map<string, { readonly name: string; readonly modSeq: number }>;
  /** The message here that was moved from there. */
  readonly sources: Map<string, Uid>;
  readonly listeners: Set<() => void>;
}

export class StagedBytes implements StagedMessage {
  readonly size: number;
  readonly headerSize: number;
  readonly structure: CachedStructure;
  readonly guid: string;

  constructor(
    readonly bytes: Uint8Array,
    described: { readonly structure: CachedStructure; readonly headerSize: number },
  ) {
    this.size = bytes.length;
    this.headerSize = described.headerSize;
    this.structure = described.structure;
    this.guid = new CryptoHasher("sha1").update(bytes).digest("hex");
  }

  read(start: number, end: number): Uint8Array {
    return this.bytes.slice(start, Math.min(end, this.size));
  }

  discard(): void {}
}

/** What a message brings into a mailbox. */
type Arrival = Omit<Message, "uid" | "created" | "modSeq" | "seen" | "saveDateMs"> & {
  readonly isSeen: boolean;
  readonly from: MessageSource | undefined;
};

export class MemoryMailbox implements Mailbox {
  readonly #state: MemoryMailboxState;
  readonly #clock: Clock;
  readonly #stops = new Set<() => void>();

  constructor(state: MemoryMailboxState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  get uniqueId(): UniqueId {
    return this.#state.uniqueId;
  }

  totals(): MailboxTotals {
    const { uidValidity, uidNext, modSeq } = this.#present();
    const messages = [...this.#state.messages.values()];
    return {
      uidValidity,
      uidNext: uidNext as Uid, // UIDs and MODSEQs of this store are made from the counters of its state, in this class
      highestModSeq: modSeq as ModSeq,
      messages: messages.length,
      bytes: messages.reduce((sum, each) => sum + each.bytes.length, 0),
      deleted: messages.filter((each) => each.system & SystemFlags.deleted).length,
    };
  }

  unseen(user: string): { readonly count: number; readonly firstUid: Uid | undefined } {
    const unseen = [...this.#state.messages.values()].filter((each) => !each.seen.get(user)?.isSeen);
    return { count: unseen.length, firstUid: unseen[0]?.uid };
  }

  uids(): Uint32Array {
    return Uint32Array.from(this.#state.messages.keys());
  }

  keywords(): readonly string[] {
    return [...this.#state.keywords.values()].map(({ name }) => name);
  }

  *records(uids: readonly Uid[], user: string): Iterable<MessageRecord> {
    for (const uid of [...new Set(uids)].sort(ascending)) {
      const message = this.#state.messages.get(uid);
      if (message) yield recordOf(message, user);
    }
  }

  structure(uid: Uid): CachedStructure | undefined {
    return this.#state.messages.get(uid)?.structure;
  }

  body(uid: Uid): MessageBody | undefined {
    const message = this.#state.messages.get(uid);
    if (!message) return undefined;
    const { bytes, headerSize } = message;
    return { size: bytes.length, headerSize, read: (start, end) => bytes.subarray(start, Math.min(end, bytes.length)) };
  }

  version(): number {
    return this.#state.modSeq;
  }

  changesSince(modSeq: ModSeq, user: string): Changes {
    const { modSeq: highest, messages, tombstones, forgotten, keywords } = this.#present();
    const all = [...messages.values()];
    return {
      highestModSeq: highest as ModSeq,
      arrived: all.filter((each) => each.created > modSeq).map(({ uid }) => uid),
      flagged: all.filter((each) => each.created <= modSeq && modSeqFor(each, user) > modSeq).map(({ uid }) => uid),
      expunged:
        modSeq < forgotten
          ? undefined
          : tombstones
              .filter((each) => each.modSeq > modSeq && each.created <= modSeq)
              .map(({ uid }) => uid)
              .sort(ascending),
      hasNewKeywords: [...keywords.values()].some((each) => each.modSeq > modSeq),
    };
  }

  vanishedSince(modSeq: ModSeq): readonly Uid[] | undefined {
    const { tombstones, forgotten } = this.#present();
    if (modSeq < forgotten) return undefined;
    const since = tombstones.filter((each) => each.modSeq > modSeq);
    return since.map(({ uid }) => uid).sort(ascending);
  }

  takeRecent(claim: boolean): Uid {
    const first = this.#state.recent as Uid;
    if (claim) this.#state.recent = this.#state.uidNext;
    return first;
  }

  watch(listener: () => void): () => void {
    const entry = () => listener();
    this.#state.listeners.add(entry);
    const stop = () => {
      this.#state.listeners.delete(entry);
      this.#stops.delete(stop);
    };
    this.#stops.add(stop);
    return stop;
  }

  async append(
    messages: readonly NewMessage[],
    user: string,
    admit?: Admission,
    replaces?: Uid,
  ): Promise<readonly Uid[]> {
    if (replaces !== undefined && !this.#present().messages.has(replaces)) {
      throw new No("EXPUNGEISSUED", "Message no longer exists");
    }
    const arrivals = messages.map(({ staged, flags, internalDateMs, from }): Arrival => {
      if (!(staged instanceof StagedBytes)) throw new Error("message was staged by another store");
      return {
        ...{ bytes: staged.bytes, guid: staged.guid, headerSize: staged.headerSize, structure: staged.structure },
        ...{ system: flags.system, keywords: flags.keywords },
        isSeen: (flags.system & SystemFlags.seen) !== 0,
        internalDateMs: Math.floor(internalDateMs / 1000) * 1000,
        from,
      };
    });
    const uids = this.#add(arrivals, user, admit);
    if (replaces !== undefined) await this.expunge([replaces]);
    return uids;
  }

  async changeFlags(change: FlagChange, user: string): Promise<FlagChangeReport> {
    const next = this.#present().modSeq + 1;
    const unchanged: Uid[] = [];
    const hadNews = new Set<Uid>();
    for (const uid of change.uids) {
      const message = this.#state.messages.get(uid);
      if (!message) continue;
      if (change.knownModSeq !== undefined && modSeqFor(message, user) > change.knownModSeq) hadNews.add(uid);
      const isHeld = change.unchangedSince !== undefined && modSeqFor(message, user) > change.unchangedSince;
      if (isHeld && modSeqFor(message, user) !== next) unchanged.push(uid);
      else if (this.#changeMessage(message, change, user, next)) this.#state.modSeq = next;
    }
    const modSeq = this.#state.modSeq === next ? (next as ModSeq) : undefined;
    if (modSeq !== undefined) this.#notify();
    unchanged.sort(ascending);
    return change.knownModSeq === undefined ? { unchanged } : { unchanged, hadNews, modSeq };
  }

  async expunge(uids: readonly Uid[]): Promise<readonly Uid[]> {
    const modSeq = this.#present().modSeq + 1;
    const gone: Uid[] = [];
    for (const uid of uids) {
      const message = this.#state.messages.get(uid);
      if (!message) continue;
      this.#state.messages.delete(uid);
      this.#state.tombstones.push({ uid, created: message.created, modSeq });
      gone.push(uid);
    }
    if (gone.length > 0) {
      this.#state.modSeq = modSeq;
      this.#forgetTombstones();
      this.#notify();
    }
    return gone.sort(ascending);
  }

  #forgetTombstones(): void {
    const state = this.#state;
    const last = state.tombstones.at(-1 - state.maxTombstones);
    if (!last) return;
    state.forgotten = last.modSeq;
    state.tombstones = state.tombstones.filter((each) => each.modSeq > last.modSeq);
  }

  async copyTo(
    target: Mailbox,
    uids: readonly Uid[],
    user: string,
    admit?: Admission,
    { allowed, movedFrom }: CopyOptions = {},
  ): Promise<{ readonly source: readonly Uid[]; readonly copied: readonly Uid[] }> {
    if (!(target instanceof MemoryMailbox)) throw new Error("target belongs to another store");
    const found = uids.flatMap((uid) => this.#state.messages.get(uid) ?? []);
    const mask = allowed?.system ?? -1;
    const arrivals = found.map(
      (each): Arrival => ({
        ...each,
        isSeen: (mask & SystemFlags.seen) !== 0 && each.seen.get(user)?.isSeen === true,
        system: each.system & mask,
        keywords: allowed?.keywords === false ? [] : each.keywords,
        from: movedFrom && { ...movedFrom, uid: each.uid },
      }),
    );
    const copied = target.#add(arrivals, user, admit);
    return { source: found.map(({ uid }) => uid), copied };
  }

  release(): void {
    for (const stop of [...this.#stops]) stop();
  }

  #add(arrivals: readonly Arrival[], user: string, admit: Admission | undefined): readonly Uid[] {
    const state = this.#present();
    const known = arrivals.map((each) => this.#findMoved(each));
    const added = arrivals.filter((_, at) => known[at] === undefined);
    admit?.(
      added.reduce((sum, { bytes }) => sum + bytes.length, 0),
      added.length,
    );
    if (added.length > 0) state.modSeq += 1;
    const { modSeq } = state;
    const saveDateMs = Math.floor(this.#clock.now() / 1000) * 1000;
    const uids = arrivals.map(({ isSeen, from, ...arrival }, at) => {
      const there = known[at];
      if (there !== undefined) return there;
      const uid = state.uidNext++ as Uid;
      const seen = new Map(isSeen ? [[user, { isSeen, modSeq }]] : []);
      const keywords = arrival.keywords.map((each) => this.#keyword(each, modSeq));
      const system = arrival.system & ~SystemFlags.seen;
      state.messages.set(uid, { ...arrival, uid, created: modSeq, modSeq, saveDateMs, system, keywords, seen });
      if (from) state.sources.set(sourceKey(from), uid);
      return uid;
    });
    if (added.length > 0) this.#notify();
    return uids;
  }

  #findMoved({ from, guid }: Arrival): Uid | undefined {
    const uid = from && this.#state.sources.get(sourceKey(from));
    return uid !== undefined && this.#state.messages.get(uid)?.guid === guid ? uid : undefined;
  }

  #changeMessage(message: Message, change: FlagChange, user: string, modSeq: number): boolean {
    const { operation, flags } = change;
    const before = recordOf(message, user).flags;
    const allowed = change.allowedSystem;
    const system =
      operation === "add"
        ? before.system | (flags.system & allowed)
        : operation === "remove"
          ? before.system & ~(flags.system & allowed)
          : (before.system & ~allowed) | (flags.system & allowed);
    const keywords = change.mayChangeKeywords ? this.#changeKeywords(before, change, modSeq) : before.keywords;
    const isSeen = (system & SystemFlags.seen) !== 0;
    const isSeenChanged = isSeen !== ((before.system & SystemFlags.seen) !== 0);
    if (isSeenChanged) message.seen.set(user, { isSeen, modSeq });
    const isChanged =
      (system & ~SystemFlags.seen) !== message.system ||
      keywords.length !== before.keywords.length ||
      keywords.some((each) => !before.keywords.includes(each));
    if (isChanged) {
      message.modSeq = modSeq;
      message.system = system & ~SystemFlags.seen;
      message.keywords = keywords;
    }
    return isChanged || isSeenChanged;
  }

  #changeKeywords(before: Flags, { operation, flags }: FlagChange, modSeq: number): readonly string[] {
    if (operation === "remove") {
      const removed = new Set(flags.keywords.map((each) => each.toLowerCase()));
      return before.keywords.filter((each) => !removed.has(each.toLowerCase()));
    }
    const named = flags.keywords.map((each) => this.#keyword(each, modSeq));
    return [...new Set(operation === "add" ? [...before.keywords, ...named] : named)];
  }

  /** The keyword as first written. */
  #keyword(name: string, modSeq: number): string {
    const folded = name.toLowerCase();
    const known = this.#state.keywords.get(folded);
    if (known) return known.name;
    this.#state.keywords.set(folded, { name, modSeq });
    return name;
  }

  #present(): MemoryMailboxState {
    if (this.#state.isRemoved) throw new No("NONEXISTENT", "Mailbox does not exist");
    return this.#state;
  }

  #notify(): void {
    for (const listener of [...this.#state.listeners]) listener();
  }
}

function recordOf(message: Message, user: string): MessageRecord {
  const { uid, guid, internalDateMs, saveDateMs, keywords } = message;
  const isSeen = message.seen.get(user)?.isSeen ?? false;
  return {
    ...{ uid, guid, internalDateMs, saveDateMs },
    modSeq: modSeqFor(message, user) as ModSeq,
    flags: { system: isSeen ? message.system | SystemFlags.seen : message.system, keywords },
    size: message.bytes.length,
  };
}

function modSeqFor(message: Message, user: string): number {
  return Math.max(message.modSeq, message.seen.get(user)?.modSeq ?? 0);
}

function sourceKey({ mailbox, uidValidity, uid }: MessageSource): string {
  return `${uidValidity} ${uid} ${mailbox}`;
}

function ascending(a: number, b: number): number {
  return a - b;
}
