// Asks the keys of a SEARCH of one message after the other, cheapest first, and opens a message only when it must.

import { TimeSlice } from "../../base/time-slice.ts";
import type { MessageRecord, Uid } from "../../mailbox/store.ts";
import { firstValue } from "../../message/header.ts";
import { SearchableMessage } from "../../message/search-text.ts";
import { dayNumber, parseMailDate } from "../../wire/date.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { Session } from "../session.ts";
import { Cost, costOf, type DateComparison, type SearchKey } from "./key.ts";

const dayMs = 86_400_000;
const batchSize = 256;

/** Indexes into the selection's view of the messages that match, ascending. */
export async function search(session: Session, selection: LocalSelection, key: SearchKey): Promise<readonly number[]> {
  const { mailbox } = selection;
  const view = selection.uids;
  const candidates = candidateRanges(key, view);
  const needsRecords = costOf(key) >= Cost.record;
  const slice = new TimeSlice(session.server.clock);
  const found: number[] = [];
  for (const { first, last } of candidates) {
    for (let start = first; start <= last; start += batchSize) {
      const end = Math.min(start + batchSize, last + 1);
      const records = needsRecords ? mailbox.records(selection.uidsAt(start, end), session.user.user) : [];
      const next = records[Symbol.iterator]();
      let record = needsRecords ? next.next().value : undefined;
      for (let index = start; index < end; index++) {
        const uid = selection.uidAt(index);
        while (record && record.uid < uid) record = next.next().value;
        if (needsRecords && record?.uid !== uid) continue; // expunged by another session
        const candidate = new Candidate(selection, index, uid, record);
        if (candidate.matches(key)) found.push(index);
        if (slice.isOver) await slice.next();
      }
    }
  }
  return found;
}

/** One message under examination. */
class Candidate {
  readonly #selection: LocalSelection;
  readonly #index: number;
  readonly #uid: Uid;
  readonly #record: MessageRecord | undefined;
  /** Undefined until a key needs it; "gone" when another session expunged the message meanwhile. */
  #message: SearchableMessage | "gone" | undefined;

  constructor(selection: LocalSelection, index: number, uid: Uid, record: MessageRecord | undefined) {
    this.#selection = selection;
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
        return key.set.contains(this.#index + 1, this.#selection.uids.length);
      case "uids":
        return key.set.contains(this.#uid, this.#selection.uids.at(-1) ?? 0);
      case "recent":
        return this.#selection.isRecent(this.#uid);
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
      const body = this.#selection.body(this.#uid);
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
function candidateRanges(key: SearchKey, view: Uint32Array): readonly { first: number; last: number }[] {
  const keys = key.kind === "and" ? key.keys : [key];
  for (const each of keys) {
    if (each.kind === "uids") return each.set.indexesIn(view);
    if (each.kind === "numbers") {
      return each.set
        .ranges(view.length)
        .filter(({ first }) => first <= view.length)
        .map(({ first, last }) => ({ first: first - 1, last: Math.min(last, view.length) - 1 }));
    }
  }
  return view.length === 0 ? [] : [{ first: 0, last: view.length - 1 }];
}
