// What is remembered of expunged messages (RFC 7162 §5.3). Of many the oldest are forgotten, all of one MODSEQ at a time; the
// highest MODSEQ among these tells for whom the rest is not enough.

import type { ModSeq, Uid } from "../store.ts";
import type { IndexFile } from "./index-file.ts";
import { readPresentTotals } from "./totals.ts";
import type { Transaction } from "./transaction.ts";

/** A tombstone takes about 30 octets: half a megabyte for who expunges all day. */
export const defaultMaxTombstones = 20_000;

export function bury(transaction: Transaction, uid: Uid, created: number): void {
  transaction.index.run("INSERT INTO tombstone VALUES (?, ?, ?)", uid, created, transaction.modSeq());
  transaction.totals.tombstones += 1;
}

/** Keeps at most a quarter more than the limit, so that not every EXPUNGE has to look. */
export function forgetTombstones({ index, totals, target: { maxTombstones } }: Transaction): void {
  if (totals.tombstones <= maxTombstones + maxTombstones / 4) return;
  const last = index.one<{ modseq: number }>(
    "SELECT modseq FROM tombstone ORDER BY modseq DESC LIMIT 1 OFFSET ?",
    maxTombstones,
  );
  if (!last) return;
  index.run("DELETE FROM tombstone WHERE modseq <= ?", last.modseq);
  totals.forgotten = last.modseq;
  totals.tombstones = index.one<{ count: number }>("SELECT count(*) AS count FROM tombstone")!.count;
}

/** Messages that somebody saw who was last here at a MODSEQ; undefined when some may be forgotten. */
export function readExpunged(index: IndexFile, modSeq: ModSeq): readonly Uid[] | undefined {
  // What came and went in between was never seen by the caller.
  return readTombstones(index, modSeq, "SELECT uid FROM tombstone WHERE modseq > ?1 AND created <= ?1 ORDER BY uid");
}

/** All that are gone since; undefined when some may be forgotten. */
export function readVanished(index: IndexFile, modSeq: ModSeq): readonly Uid[] | undefined {
  return index.snapshot(() =>
    readTombstones(index, modSeq, "SELECT uid FROM tombstone WHERE modseq > ?1 ORDER BY uid"),
  );
}

function readTombstones(index: IndexFile, modSeq: ModSeq, sql: string): readonly Uid[] | undefined {
  if (modSeq < readPresentTotals(index).forgotten) return undefined;
  return index.all<[Uid]>(sql, modSeq).map(([uid]) => uid);
}
