// One message that is asked the keys of a search. It is opened only when a key must see its text.

import type { MessageRecord, Uid } from "../../mailbox/store.ts";
import { firstValue } from "../../message/header.ts";
import { SearchableMessage } from "../../message/search-text.ts";
import { dayNumber, parseMailDate } from "../../wire/date.ts";
import { insertedAt } from "../view.ts";
import type { DateComparison, SearchKey } from "./key.ts";
import { bodyIn, type Searched } from "./searched.ts";

const dayMs = 86_400_000;

export class Candidate {
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
