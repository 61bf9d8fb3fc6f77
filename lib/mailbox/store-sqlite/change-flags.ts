// STORE: system flags and keywords of the mailbox, \Seen of the user (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

import { type FlagChange, type FlagChangeReport, type FlagOperation, SystemFlags, type Uid } from "../store.ts";
import { findReader, setSeen } from "./seen.ts";
import type { Transaction, WriteJob } from "./transaction.ts";

interface FlagRow {
  readonly modSeq: number;
  readonly system: number;
  readonly keywords: string | null;
  readonly seenModSeq: number | null;
}

export function changeFlagsJob(change: FlagChange, user: string): WriteJob<FlagChangeReport> {
  return {
    action: "change flags",
    messages: change.uids.length,
    newUids: 0,
    *steps(transaction) {
      const unchanged: Uid[] = [];
      const hadNews = new Set<Uid>();
      for (const uid of change.uids) {
        if (!changeMessage(transaction, uid, change, user, hadNews)) unchanged.push(uid);
        yield;
      }
      unchanged.sort((a, b) => a - b);
      return change.knownModSeq === undefined ? { unchanged } : { unchanged, hadNews, modSeq: transaction.allotted };
    },
  };
}

/** Returns false when the message was left alone because it changed after `unchangedSince`. */
function changeMessage(
  transaction: Transaction,
  uid: Uid,
  change: FlagChange,
  user: string,
  hadNews: Set<Uid>,
): boolean {
  const { index, totals } = transaction;
  const row = index.one<FlagRow>(
    `SELECT m.modseq AS modSeq, system, keywords, s.modseq AS seenModSeq
     FROM message m LEFT JOIN seen s ON s.reader = ? AND s.uid = m.uid WHERE m.uid = ?`,
    findReader(index, user) ?? 0,
    uid,
  );
  if (!row) return true;
  const modSeq = Math.max(row.modSeq, row.seenModSeq ?? 0);
  if (change.knownModSeq !== undefined && modSeq > change.knownModSeq) hadNews.add(uid);
  if (change.unchangedSince !== undefined && modSeq > change.unchangedSince) return false;

  const system = apply(change.operation, row.system, change.flags.system, change.allowedSystem & ~SystemFlags.seen);
  const keywords = change.mayChangeKeywords ? changeKeywords(transaction, row.keywords, change) : row.keywords;
  if (system !== row.system || keywords !== row.keywords) {
    index.run(
      "UPDATE message SET system = ?, keywords = ?, modseq = ? WHERE uid = ?",
      system,
      keywords,
      transaction.modSeq(),
      uid,
    );
    totals.deleted += (system & SystemFlags.deleted ? 1 : 0) - (row.system & SystemFlags.deleted ? 1 : 0);
  }
  if (change.allowedSystem & SystemFlags.seen) {
    const named = (change.flags.system & SystemFlags.seen) !== 0;
    if (named || change.operation === "replace")
      setSeen(transaction, user, uid, named && change.operation !== "remove");
  }
  return true;
}

function apply(operation: FlagOperation, before: number, named: number, allowed: number): number {
  const bits = named & allowed;
  if (operation === "add") return before | bits;
  if (operation === "remove") return before & ~bits;
  return (before & ~allowed) | bits;
}

function changeKeywords(transaction: Transaction, stored: string | null, change: FlagChange): string | null {
  const { keywords } = transaction.index;
  const named = change.flags.keywords;
  if (change.operation === "replace") return keywords.encode(named, () => transaction.modSeq());
  if (named.length === 0) return stored;
  if (change.operation === "add") {
    return keywords.encode([...keywords.decode(stored), ...named], () => transaction.modSeq());
  }
  const removed = new Set(named.map((each) => each.toLowerCase()));
  const left = keywords.decode(stored).filter((each) => !removed.has(each.toLowerCase()));
  return keywords.encode(left, () => transaction.modSeq());
}
