// UIDs are never given twice, not even after a crash of the machine that loses commits other sessions have already seen.
// Before a UID is used, a number above it is on disk as `uid_reserved`; after a crash UIDNEXT starts from there. To know
// that another process' reservation is on disk, `uid_durable` repeats it in a commit made after the sync.
//
// MODSEQs are seen before they are on disk, too: after a crash they skip ahead by more than any process has in flight.

import type { IndexFile } from "./index-file.ts";
import { uidReserve } from "./schema.ts";
import type { TotalsRow } from "./totals.ts";

const modSeqSkip = 4096;

/** Whether `count` UIDs may be used now. `confirmed` is the highest reservation this process has synced itself. */
export function hasReserved(totals: TotalsRow, count: number, confirmed: number): boolean {
  return totals.uidNext + count <= Math.max(totals.uidDurable, confirmed);
}

/** Reserves `count` UIDs and some more, inside a transaction; returns the new bound, to be confirmed by a sync. */
export function reserveUids(index: IndexFile, totals: TotalsRow, count: number): number {
  const bound = totals.uidNext + count + uidReserve;
  index.run(
    "UPDATE mailbox SET suspect_from = reserved_from, reserved_from = uidnext, uid_reserved = max(uid_reserved, ?)",
    bound,
  );
  return Math.max(bound, totals.uidReserved);
}

/** Whether the machine was started anew since somebody wrote to the mailbox. */
export function needsRecovery(totals: TotalsRow, boot: string): boolean {
  return totals.boot !== boot;
}

/** Skips everything that may have been given before the crash. */
export function skipAhead(totals: TotalsRow, boot: string): void {
  totals.uidNext = Math.max(totals.uidNext, totals.uidReserved);
  totals.highestModSeq += modSeqSkip;
  totals.suspectFrom = totals.uidNext;
  totals.reservedFrom = totals.uidNext;
  totals.uidReserved = totals.uidNext + uidReserve;
  totals.boot = boot;
}
