// What one resynchronisation came to: for the status page, the metrics, the master, and the other processes of the server.

import type { Metrics } from "../base/metrics.ts";
import type { MailboxList } from "../mailbox/list.ts";

export interface Round {
  /** When it ended, milliseconds since 1970. */
  readonly atMs: number;
  readonly activated: number;
  readonly removed: number;
  readonly quarantined: number;
  /** Names left alone for now, and names that could not be dealt with: both are tried again. */
  readonly waiting: number;
  readonly failures: number;
  /** Why nothing was done. */
  readonly refused?: string;
}

/** Where the last one stands beside the list. */
export const roundNote = "reconciled";

export function readRound(list: MailboxList): Round | undefined {
  const text = list.note(roundNote);
  return text === undefined ? undefined : JSON.parse(text); // written by reconciler.ts only
}

/** In words. */
export function describeRound(round: Round): string {
  if (round.refused !== undefined) return `refused: ${round.refused}`;
  const { activated, removed, quarantined, waiting, failures } = round;
  const counts = { activated, removed, quarantined, waiting, failures };
  const parts = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
  return parts.join(", ") || "nothing to do";
}

export function reconcileMetrics(metrics: Metrics) {
  const rounds = metrics.counter("iatlas_reconcile_rounds_total", "Resynchronisations with the MUPDATE master", [
    "result",
  ]);
  const names = metrics.counter("iatlas_reconcile_mailboxes_total", "Mailboxes that resynchronisations changed", [
    "action",
  ]);
  const atMs = metrics.gauge("iatlas_reconcile_last_seconds", "When the last resynchronisation ended, since 1970");
  const waiting = metrics.gauge("iatlas_outbox_operations", "List changes that the MUPDATE master has not heard of");
  const oldest = metrics.gauge("iatlas_outbox_oldest_seconds", "How long the oldest of them has been waiting");
  return {
    quarantined: metrics.gauge("iatlas_quarantined_mailboxes", "Mailboxes in quarantine"),
    outbox(state: { readonly outbox: number; readonly oldestMs: number }) {
      waiting.set(state.outbox);
      oldest.set(state.oldestMs / 1000);
    },
    count(round: Round) {
      rounds.inc({ result: round.refused === undefined ? "agreed" : "refused" });
      for (const action of ["activated", "removed", "quarantined"] as const) names.inc({ action }, round[action]);
      atMs.set(round.atMs / 1000);
    },
  };
}
