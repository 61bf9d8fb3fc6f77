// The first opening of a mailbox after the machine was started anew. Commits and folder entries that nobody was told of may
// be lost, each without the other: UIDs skip ahead, rows of the last reservation without a file are expunged, files
// without a row are moved aside. Everything older that does not fit is only reported: that is `reconstruct`'s business.

import fsp from "node:fs/promises";
import type { Log } from "../../base/log.ts";
import type { Uid } from "../store.ts";
import { removeMessage } from "./expunge.ts";
import { messagePath, orphanPath } from "./layout.ts";
import { allUids } from "./reads.ts";
import { allReaders } from "./seen.ts";
import type { Transaction, WriteJob } from "./transaction.ts";
import { needsRecovery, skipAhead } from "./uid-reservation.ts";

export function recoveryJob(files: ReadonlySet<number>, boot: string, log: Log): WriteJob<void> {
  return {
    action: "recover the mailbox",
    messages: 1,
    newUids: 0,
    *steps(transaction) {
      const { totals, target } = transaction;
      // Another process may have done it while this one waited for the lock.
      if (!needsRecovery(totals, boot)) return;
      const rows = new Set(allUids(transaction.index) as Iterable<number>);
      const oldNext = totals.uidNext;
      skipRows(transaction, rows, files, log);
      transaction.modSeq();
      skipAhead(totals, boot);
      const orphans = [...files].filter((uid) => !rows.has(uid));
      const expunged = new Set(transaction.index.all<[number]>("SELECT uid FROM tombstone").map(([uid]) => uid));
      transaction.whenDurable.push(async () => {
        for (const uid of orphans) {
          if (expunged.has(uid)) await fsp.rm(messagePath(target.path, uid), { force: true });
          else if (uid >= oldNext) await fsp.rename(messagePath(target.path, uid), orphanPath(target.path, uid));
          else log.warning("message file is not in the index", { mailbox: target.uniqueId, uid });
        }
      });
      yield;
    },
  };
}

function skipRows(transaction: Transaction, rows: Set<number>, files: ReadonlySet<number>, log: Log): void {
  const { totals, target } = transaction;
  const readers = allReaders(transaction.index);
  const { suspectFrom } = totals;
  for (const uid of rows) {
    if (files.has(uid)) continue;
    if (uid < suspectFrom) {
      log.error("message file is missing", { mailbox: target.uniqueId, uid });
    } else {
      log.notice("message was lost before it was acknowledged", { mailbox: target.uniqueId, uid });
      removeMessage(transaction, uid as Uid, readers);
    }
  }
}

/** UIDs of the message files in a mailbox folder. */
export async function listMessageFiles(folder: string): Promise<ReadonlySet<number>> {
  const uids = new Set<number>();
  for (const name of await fsp.readdir(folder)) if (/^[1-9]\d*\.$/.test(name)) uids.add(Number.parseInt(name, 10));
  return uids;
}
