// \Seen of each user: a row per message that he has ever marked, and a count, so that STATUS need not count.

import type { Uid } from "../store.ts";
import type { IndexFile } from "./index-file.ts";
import type { Transaction } from "./transaction.ts";

/** The number of a user in this mailbox; undefined for one who never marked anything. */
export function findReader(index: IndexFile, user: string): number | undefined {
  return index.one<{ id: number }>("SELECT id FROM reader WHERE name = ?", user)?.id;
}

/** Sets or clears \Seen; returns whether that changed anything. */
export function setSeen(transaction: Transaction, user: string, uid: Uid, isSeen: boolean): boolean {
  const { index } = transaction;
  let reader = findReader(index, user);
  if (reader === undefined && !isSeen) return false;
  reader ??= addReader(index, user);
  const row = index.one<{ is_seen: number }>("SELECT is_seen FROM seen WHERE reader = ? AND uid = ?", reader, uid);
  if ((row?.is_seen === 1) === isSeen) return false;
  index.run("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", reader, uid, transaction.modSeq(), isSeen ? 1 : 0);
  index.run("UPDATE reader SET seen = seen + ? WHERE id = ?", isSeen ? 1 : -1, reader);
  return true;
}

/** Drops what all users have for an expunged message. */
export function forgetSeen(index: IndexFile, readers: readonly number[], uid: Uid): void {
  for (const reader of readers) {
    const row = index.one<{ is_seen: number }>("SELECT is_seen FROM seen WHERE reader = ? AND uid = ?", reader, uid);
    if (!row) continue;
    index.run("DELETE FROM seen WHERE reader = ? AND uid = ?", reader, uid);
    if (row.is_seen === 1) index.run("UPDATE reader SET seen = seen - 1 WHERE id = ?", reader);
  }
}

export function allReaders(index: IndexFile): readonly number[] {
  return index.all<[number]>("SELECT id FROM reader").map(([id]) => id);
}

function addReader(index: IndexFile, user: string): number {
  index.run("INSERT INTO reader (name, seen) VALUES (?, 0)", user);
  return findReader(index, user)!;
}
