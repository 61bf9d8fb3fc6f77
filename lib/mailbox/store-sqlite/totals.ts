// The one row of table mailbox: read at the start of a transaction, changed in memory, written once at its end.

import { No } from "../../base/fault.ts";
import type { IndexFile } from "./index-file.ts";

export interface TotalsRow {
  uidValidity: number;
  uidNext: number;
  highestModSeq: number;
  recent: number;
  messages: number;
  bytes: number;
  deleted: number;
  uidReserved: number;
  uidDurable: number;
  reservedFrom: number;
  suspectFrom: number;
  boot: string;
  removed: number;
  tombstones: number;
  forgotten: number;
}

export function readTotals(index: IndexFile): TotalsRow {
  const row = index.one<TotalsRow>(`
    SELECT uidvalidity AS uidValidity, uidnext AS uidNext, highestmodseq AS highestModSeq, recent, messages, bytes, deleted,
           uid_reserved AS uidReserved, uid_durable AS uidDurable, reserved_from AS reservedFrom,
           suspect_from AS suspectFrom, boot, removed, tombstones, forgotten
    FROM mailbox`);
  if (!row) throw new No("UNAVAILABLE", "Mailbox index is damaged: it has no totals");
  return row;
}

/** The same for a session: throws No("NONEXISTENT") when another process has removed the mailbox meanwhile. */
export function readPresentTotals(index: IndexFile): TotalsRow {
  const totals = readTotals(index);
  if (totals.removed) throw new No("NONEXISTENT", "Mailbox does not exist");
  return totals;
}

export function writeTotals(index: IndexFile, totals: TotalsRow): void {
  index.run(
    `UPDATE mailbox SET uidnext = ?, highestmodseq = ?, recent = ?, messages = ?, bytes = ?, deleted = ?,
       uid_reserved = ?, uid_durable = ?, reserved_from = ?, suspect_from = ?, boot = ?, removed = ?,
       tombstones = ?, forgotten = ?`,
    totals.uidNext,
    totals.highestModSeq,
    totals.recent,
    totals.messages,
    totals.bytes,
    totals.deleted,
    totals.uidReserved,
    totals.uidDurable,
    totals.reservedFrom,
    totals.suspectFrom,
    totals.boot,
    totals.removed,
    totals.tombstones,
    totals.forgotten,
  );
}

/** Rises with every change a session may want to see. */
export function readVersion(index: IndexFile): number {
  return index.one<{ highestmodseq: number }>("SELECT highestmodseq FROM mailbox")?.highestmodseq ?? 0;
}
