// Taking messages out of a mailbox. Their files go when the index is on disk without them: never the other way round.

import fsp from "node:fs/promises";
import { SystemFlags, type Uid } from "../store.ts";
import { messagePath } from "./layout.ts";
import { allReaders, forgetSeen } from "./seen.ts";
import { bury } from "./tombstones.ts";
import type { Transaction, WriteJob } from "./transaction.ts";

export function expungeJob(uids: readonly Uid[]): WriteJob<readonly Uid[]> {
  return {
    action: "expunge",
    messages: uids.length,
    newUids: 0,
    *steps(transaction) {
      const readers = allReaders(transaction.index);
      const gone: Uid[] = [];
      for (const uid of uids) {
        if (removeMessage(transaction, uid, readers)) gone.push(uid);
        yield;
      }
      const { path } = transaction.target;
      if (gone.length > 0) transaction.whenDurable.push(() => removeFiles(path, gone));
      return gone.sort((a, b) => a - b);
    },
  };
}

/** Replaces the message's row by a tombstone (RFC 7162 §3.2.7); returns false when there is no such message. */
export function removeMessage(transaction: Transaction, uid: Uid, readers: readonly number[]): boolean {
  const { index, totals } = transaction;
  const row = index.one<{ size: number; system: number; created: number }>(
    "SELECT size, system, created FROM message WHERE uid = ?",
    uid,
  );
  if (!row) return false;
  bury(transaction, uid, row.created);
  index.run("DELETE FROM message WHERE uid = ?", uid);
  index.run("DELETE FROM structure WHERE uid = ?", uid);
  forgetSeen(index, readers, uid);
  totals.messages -= 1;
  totals.bytes -= row.size;
  if (row.system & SystemFlags.deleted) totals.deleted -= 1;
  return true;
}

export async function removeFiles(folder: string, uids: readonly Uid[]): Promise<void> {
  for (const uid of uids) await fsp.rm(messagePath(folder, uid), { force: true });
}
