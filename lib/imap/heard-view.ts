// What a client was told about the messages of a mailbox that another server answers for: what SELECT said, and every
// EXISTS, EXPUNGE and VANISHED since. Enough to know which messages its sequence numbers stand for when that server was
// lost and is back (view-replay.ts), without ever having asked for a list of them.

import { latin1 } from "../base/bytes.ts";
import type { CountListener } from "../mailbox/place.ts";
import { type NumberRange, SequenceSet } from "../wire/sequence-set.ts";
import { RemovedPositions } from "./removed-positions.ts";

/** So many messages that came since SELECT are known by their UIDs; more are not worth their memory. */
const maxNamed = 1024;
/** UID where servers put it, before anything that could look like it. */
const fetched = /^\* \d+ FETCH \((?:(?:FLAGS|MODSEQ) \([^()"]*\) ){0,2}UID (\d{1,10})[ )]/i;
/** What VANISHED named may be in so many pieces; more are not worth their memory. */
const maxGoneRanges = 1024;

export class HeardView implements CountListener {
  uidValidity: number | undefined;
  uidNext: number | undefined;
  /** A number of up to 63 bits, as it was written; undefined where the server does not count changes. */
  highestModSeq: string | undefined;
  /** How many messages SELECT told of. */
  selected = 0;
  /** How many were told of since. Their UIDs are not below `uidNext`. */
  arrived = 0;
  /** What EXPUNGE took away, among the positions that SELECT and later EXISTS gave. */
  readonly removed = new RemovedPositions();
  /** What VANISHED took away: UIDs. */
  readonly gone: NumberRange[] = [];
  /** UIDs of messages that came since SELECT, as far as a FETCH told them: the client has heard of these. */
  readonly named = new Set<number>();
  /** UIDs of messages whose flags the client should have heard after it heard the rest: not all did, if any is left. */
  untoldFlags: readonly number[] = [];
  /** The server keeps the result of a search for the client (RFC 5182), and nobody else does. */
  isSearchSaved = false;
  /** Changes whenever anything is told. */
  news = 0;
  #goneCount = 0;
  #isSelected = false;
  #isUnclear = false;

  /** SELECT has been answered: what comes now is news. */
  begin(): void {
    this.#isSelected = true;
  }

  /** Where messages begin, by their numbers, whose UIDs are worth hearing. */
  get fetchesFrom(): number {
    const { selected, arrived, named, removed, gone } = this;
    if (named.size >= Math.min(arrived, maxNamed)) return Number.POSITIVE_INFINITY;
    const before = (this.uidNext ?? 1) - 1;
    const goneBefore = gone.reduce((sum, { first, last }) => sum + Math.max(0, Math.min(last, before) - first + 1), 0);
    return selected - removed.countUpTo(selected) - goneBefore + 1;
  }

  /** Messages that the client counts now. */
  get count(): number {
    return this.selected + this.arrived - this.removed.size - this.#goneCount;
  }

  /** Whether the client has heard what SELECT told, and nothing since. */
  get isAsSelected(): boolean {
    return this.untoldFlags.length === 0 && this.arrived === 0 && this.removed.size === 0 && this.#goneCount === 0;
  }

  /** Whether the server can be lost without a loss for the client: it is known what he saw, and nothing else is kept there. */
  get isClear(): boolean {
    const { uidValidity, uidNext, highestModSeq } = this;
    return (
      !this.#isUnclear &&
      !this.isSearchSaved &&
      uidValidity !== undefined &&
      uidNext !== undefined &&
      highestModSeq !== undefined
    );
  }

  /** Takes a line of the server: EXISTS, EXPUNGE, VANISHED, FETCH or a status with a code. Others do not matter. */
  hear(line: Uint8Array): void {
    const text = latin1(line);
    const counted = /^\* (\d{1,10}) (EXISTS|EXPUNGE)\r?\n$/i.exec(text);
    if (counted) this.#count(Number(counted[1]), counted[2]!.toUpperCase());
    else if (this.#isSelected && / FETCH \(/i.test(text)) this.#name(Number(fetched.exec(text)?.[1]));
    else if (!this.#isSelected) this.#read(text);
    else if (/^\* VANISHED /i.test(text)) this.#vanish(text.slice(11));
  }

  missed(): void {
    this.#isUnclear = true;
  }

  #count(number: number, what: string): void {
    this.news += 1;
    if (!this.#isSelected) {
      if (what === "EXISTS") this.selected = number;
    } else if (what === "EXISTS") {
      if (number < this.count) this.#isUnclear = true;
      else this.arrived += number - this.count;
    } else if (number < 1 || number > this.count || this.#goneCount > 0 || !this.removed.remove(number)) {
      this.#isUnclear = true;
    }
  }

  #vanish(text: string): void {
    this.news += 1;
    if (/^\(EARLIER\) /i.test(text)) return; // the client did not count these
    const set = SequenceSet.parse(text.trim());
    // Positions and UIDs say nothing about each other.
    if (!set || set.hasStar || this.removed.size > 0 || this.gone.length > maxGoneRanges) this.#isUnclear = true;
    for (const range of set?.ranges(0) ?? []) {
      this.gone.push(range);
      this.#goneCount += range.last - range.first + 1;
    }
  }

  #name(uid: number): void {
    if (uid >= (this.uidNext ?? Number.POSITIVE_INFINITY)) this.named.add(uid);
  }

  #read(text: string): void {
    const code = /^\* OK \[(CLOSED|UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ|UIDNOTSTICKY)(?: (\d+))?\]/i.exec(text);
    if (!code) return;
    const number = code[2];
    switch (code[1]!.toUpperCase()) {
      case "CLOSED": // what was said before was about the mailbox that was selected before
        this.selected = 0;
        break;
      case "UIDVALIDITY":
        this.uidValidity = Number(number);
        break;
      case "UIDNEXT":
        this.uidNext = Number(number);
        break;
      case "HIGHESTMODSEQ":
        this.highestModSeq = number;
        break;
      default:
        this.#isUnclear = true;
    }
  }
}
