// Asks the keys of a SEARCH of one message after the other, cheapest first, until all are found that are asked for.

import { TimeSlice } from "../../base/time-slice.ts";
import type { Uid } from "../../mailbox/store.ts";
import type { NumberRange } from "../../wire/sequence-set.ts";
import type { SearchReturn } from "../parse/search-return.ts";
import { indexRanges } from "../parse/sequence.ts";
import type { Session } from "../session.ts";
import { whileSayingSo } from "../still-working.ts";
import type { Results } from "./answer.ts";
import { Candidate } from "./candidate.ts";
import { Cost, costOf, mentions, type SearchKey } from "./key.ts";
import type { Searched } from "./searched.ts";

const batchSize = 256;

/** The messages that match, in the order of the view. */
export interface Found {
  /** Indexes into the view, ascending. */
  readonly indexes: readonly number[];
  /** The MODSEQ of each, where a key asked for MODSEQ (RFC 7162 §3.1.5). */
  readonly modSeqs: readonly number[] | undefined;
}

/** Looks at the mailbox as it is now; tells the client now and then that it goes on. */
export function search(session: Session, searched: Searched, key: SearchKey, returns?: SearchReturn): Promise<Found> {
  const work = evaluate(session, searched, key, returns);
  return costOf(key) >= Cost.header ? whileSayingSo(session, work) : work;
}

/** All that match, or only those that are needed to answer with `returns`. */
export async function evaluate(
  session: Session,
  searched: Searched,
  key: SearchKey,
  returns?: SearchReturn,
): Promise<Found> {
  if (!returns || !isOfEnds(returns)) return await scan(session, searched, key, {});
  const first = returns.min ? await scan(session, searched, key, { mostFound: 1 }) : undefined;
  if (first && (!returns.max || first.indexes.length === 0)) return first;
  const last = await scan(session, searched, key, { mostFound: 1, isBackward: true });
  if (!first || first.indexes[0] === last.indexes[0]) return last;
  const modSeqs = first.modSeqs && [...first.modSeqs, ...(last.modSeqs ?? [])];
  return { indexes: [...first.indexes, ...last.indexes], modSeqs };
}

/** MIN, MAX, and nothing about the results between. */
function isOfEnds({ min, max, count, all, partial }: SearchReturn): boolean {
  return (min || max) && !count && !all && !partial;
}

/** As the client shall hear of them: UIDs or message numbers. */
export function resultsOf({ indexes, modSeqs }: Found, view: Uint32Array, isUid: boolean): Results {
  const at = isUid ? (position: number) => view[indexes[position]!]! : (position: number) => indexes[position]! + 1;
  return { length: indexes.length, at, modSeqAt: modSeqs && ((position) => modSeqs[position]!) };
}

interface Scan {
  readonly mostFound?: number;
  /** Begins with the last message; finds are told in that order. */
  readonly isBackward?: boolean;
}

async function scan(
  session: Session,
  searched: Searched,
  key: SearchKey,
  { mostFound = Number.POSITIVE_INFINITY, isBackward = false }: Scan,
): Promise<Found> {
  const { mailbox, uids: view } = searched;
  const needsRecords = costOf(key) >= Cost.record;
  const slice = new TimeSlice(session.server.clock);
  const indexes: number[] = [];
  const modSeqs: number[] | undefined = mentions(key, "modseq") ? [] : undefined;
  for (const { first, last } of batchesOf(candidateRanges(key, searched, view), isBackward)) {
    const uids = Array.from(view.subarray(first, last + 1)) as Uid[]; // a view holds nothing but UIDs
    const records = needsRecords ? [...mailbox.records(uids, session.user.user)] : [];
    let next = isBackward ? records.length - 1 : 0;
    for (let step = 0; step < uids.length; step++) {
      const at = isBackward ? uids.length - 1 - step : step;
      const uid = uids[at]!;
      const record = records[next]?.uid === uid ? records[next] : undefined;
      if (record) next += isBackward ? -1 : 1;
      else if (needsRecords) continue; // expunged by another session
      if (new Candidate(searched, view, first + at, uid, record).matches(key)) {
        indexes.push(first + at);
        if (record) modSeqs?.push(record.modSeq);
        if (indexes.length === mostFound) return { indexes, modSeqs };
      }
      if (slice.isOver) await slice.next();
    }
  }
  return { indexes, modSeqs };
}

function* batchesOf(ranges: readonly NumberRange[], isBackward: boolean): Generator<NumberRange> {
  if (isBackward) {
    for (const { first, last } of ranges.toReversed()) {
      for (let end = last; end >= first; end -= batchSize)
        yield { first: Math.max(first, end - batchSize + 1), last: end };
    }
    return;
  }
  for (const { first, last } of ranges) {
    for (let start = first; start <= last; start += batchSize) {
      yield { first: start, last: Math.min(start + batchSize - 1, last) };
    }
  }
}

/** Sets that must hold for every match narrow the search before any message is looked at. */
function candidateRanges(key: SearchKey, { saved }: Searched, view: Uint32Array): readonly NumberRange[] {
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
