// Asks the keys of a SEARCH of one message after the other, cheapest first, and opens a message only when it must.

import { TimeSlice } from "../../base/time-slice.ts";
import type { MessageRecord, Uid } from "../../mailbox/store.ts";
import { firstValue } from "../../message/header.ts";
import { SearchableMessage } from "../../message/search-text.ts";
import { dayNumber, parseMailDate } from "../../wire/date.ts";
import { indexRanges } from "../parse/sequence.ts";
import type { Session } from "../session.ts";
import { whileSayingSo } from "../still-working.ts";
import { insertedAt } from "../view.ts";
import type { Results } from "./answer.ts";
import { Cost, costOf, type DateComparison, mentions, type SearchKey } from "./key.ts";
import { bodyIn, type Searched } from "./searched.ts";

const dayMs = 86_400_000;
const batchSize = 256;

/** The messages that match, in the order of the view. */
export interface Found {
  /** Indexes into the view, ascending. */
  readonly indexes: readonly number[];
  /** The MODSEQ of each, where a key asked for MODSEQ (RFC 7162 §3.1.5). */
  readonly modSeqs: readonly number[] | undefined;
}

/** Looks at the mailbox as it is now; tells the client now and then that it goes on. */
export function search(session: Session, searched: Searched, key: SearchKey): Promise<Found> {
  const work = evaluate(session, searched, key);
  return costOf(key) >= Cost.header ? whileSayingSo(session, work) : work;
}

export async function evaluate(session: Session, searched: Searched, key: SearchKey): Promise<Found> {
  const { mailbox } = searched;
  const view = searched.uids;
  const candidates = candidateRanges(key, searched, view);
  const needsRecords = costOf(key) >= Cost.record;
  const slice = new TimeSlice(session.server.clock);
  const indexes: number[] = [];
  const modSeqs: number[] | undefined = mentions(key, "modseq") ? [] : undefined;
  for (const { first, last } of candidates) {
    for (let start = first; start <= last; start += batchSize) {
      const end = Math.min(start + batchSize, last + 1);
      const records = needsRecords
        ? mailbox.records(Array.from(view.subarray(start, end)) as Uid[], session.user.user)
        : [];
      const next = records[Symbol.iterator]();
      let record = needsRecords ? next.next().value : undefined;
      for (let index = start; index < end; index++) {
        const uid = view[index] as Uid; // a view holds nothing but UIDs
        while (record && record.uid < uid) record = next.next().value;
        if (needsRecords && record?.uid !== uid) continue; // expunged by another session
        if (new Candidate(searched, view, index, uid, record).matches(key)) {
          indexes.push(index);
          if (record) modSeqs?.push(record.modSeq);
        }
        if (slice.isOver) await slice.next();
      }
    }
  }
  return { indexes, modSeqs };
}

/** As the client shall hear of them: UIDs or message numbers. */
export function resultsOf({ indexes, modSeqs }: Found, view: Uint32Array, isUid: boolean): Results {
  const at = isUid ? (position: number) => view[indexes[position]!]! : (position: number) => indexes[position]! + 1;
  return { length: indexes.length, at, modSeqAt: modSeqs && ((position) => modSeqs[position]!) };
}

/** One message under examination. */
class Candidate {
  readonly #searched: Searched;
  /** As it was when the search began: a selected mailbox is told of nothing meanwhile. */
  readonly #view: Uint32Array;
  readonly #index: number;
  readonly #uid: Uid;
  readonly #record: MessageRecord | undefined;
  /** Undefined until a key needs it; "gone" when another session expunged the message meanwhile. */
  #message: SearchableMessage | "gone" | undefined;

  constructor(searched: Searched, view: Uint32Array, index: number, uid: Uid, record: MessageRecord | undefined) {
    this.#searched = searched;
    this.#view = view;
    this.#index = index;
    this.#uid = uid;
    this.#record = record;
  }

  matches(key: SearchKey): boolean {
    const isMatch = this.#matches(key);
    return isMatch && this.#message !== "gone";
  }

  #matches(key: SearchKey): boolean {
    switch (key.kind) {
      case "all":
        return true;
      case "and":
        return key.keys.every((each) => this.#matches(each));
      case "or":
        return this.#matches(key.left) || this.#matches(key.right);
      case "not":
        return !this.#matches(key.key);
      case "numbers":
        return key.set.contains(this.#index + 1, this.#view.length);
      case "uids":
        return key.set.contains(this.#uid, this.#view.at(-1) ?? 0);
      case "saved":
        return this.#searched.saved[insertedAt(this.#searched.saved, this.#uid)] === this.#uid;
      case "recent":
        return this.#searched.isRecent(this.#uid);
      default:
        return this.#record !== undefined && this.#matchesRecord(key, this.#record);
    }
  }

  #matchesRecord(key: SearchKey, record: MessageRecord): boolean {
    switch (key.kind) {
      case "flag":
        return (record.flags.system & key.bit) !== 0;
      case "keyword":
        return record.flags.keywords.some((name) => name.toLowerCase() === key.name);
      case "larger":
        return record.size > key.octets;
      case "smaller":
        return record.size < key.octets;
      case "modseq":
        return record.modSeq >= key.lowest;
      case "internal":
        return compareDays(Math.floor(record.internalDateMs / dayMs), key.comparison, key.day);
      default: {
        const message = this.#open();
        return message !== undefined && matchesText(key, message);
      }
    }
  }

  #open(): SearchableMessage | undefined {
    if (this.#message === undefined) {
      const body = bodyIn(this.#searched.mailbox, this.#uid);
      this.#message = body ? new SearchableMessage(body) : "gone";
    }
    return this.#message === "gone" ? undefined : this.#message;
  }
}

function matchesText(key: SearchKey, message: SearchableMessage): boolean {
  switch (key.kind) {
    case "sent": {
      const text = firstValue(message.header, "date");
      const date = text === undefined ? undefined : parseMailDate(text);
      return date !== undefined && compareDays(dayNumber(date), key.comparison, key.day);
    }
    case "header":
      return message.headerContains(key.name, key.needle);
    case "body":
      return message.bodyContains(key.needle);
    case "text":
      return message.textContains(key.needle);
    default:
      return false;
  }
}

function compareDays(day: number, comparison: DateComparison, asked: number): boolean {
  if (comparison === "on") return day === asked;
  return comparison === "before" ? day < asked : day >= asked;
}

/** Sets that must hold for every match narrow the search before any message is looked at. */
function candidateRanges(
  key: SearchKey,
  { saved }: Searched,
  view: Uint32Array,
): readonly { first: number; last: number }[] {
  const keys = key.kind === "and" ? key.keys : [key];
  for (const each of keys) {
    if (each.kind === "uids") return each.set.indexesIn(view);
    if (each.kind === "saved") return indexRanges(view, saved);
    if (each.kind === "numbers") {
      return each.set
        .ranges(view.length)
        .filter(({ first }) => first <= view.length)
        .map(({ first, last }) => ({ first: first - 1, last: Math.min(last, view.length) - 1 }));
    }
  }
  return view.length === 0 ? [] : [{ first: 0, last: view.length - 1 }];
}
