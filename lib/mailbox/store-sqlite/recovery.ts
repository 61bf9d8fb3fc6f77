// The first opening of a mailbox after the machine was started anew. Commits, folder entries and bytes that nobody was told
// of may be lost, each without the others: UIDs skip ahead, rows of the last reservations without an intact file are
// expunged, files without a row are moved aside. Everything older that does not fit is only reported: that is
// `reconstruct`'s business.

import fsp from "node:fs/promises";
import { CryptoHasher } from "bun";
import type { Log } from "../../base/log.ts";
import { isMissing } from "../durable.ts";
import type { Uid } from "../store.ts";
import { removeMessage } from "./expunge.ts";
import type { IndexFile } from "./index-file.ts";
import { messagePath, orphanPath } from "./layout.ts";
import { allUids } from "./reads.ts";
import { allReaders } from "./seen.ts";
import { readTotals } from "./totals.ts";
import type { Transaction, WriteJob } from "./transaction.ts";
import { needsRecovery, skipAhead } from "./uid-reservation.ts";

/** What was found in the folder. */
export interface FoundFiles {
  readonly present: ReadonlySet<number>;
  /** Present, but not with the bytes that the index knows. */
  readonly damaged: ReadonlySet<number>;
}

/** Rows that may have lost their file. */
export function suspectRows(index: IndexFile): readonly (readonly [uid: number, guid: string])[] {
  return index.all("SELECT uid, guid FROM message WHERE uid >= ?", readTotals(index).suspectFrom);
}

export async function findFiles(
  folder: string,
  suspects: readonly (readonly [uid: number, guid: string])[],
): Promise<FoundFiles> {
  const present = new Set<number>();
  for (const name of await fsp.readdir(folder)) if (/^[1-9]\d*\.$/.test(name)) present.add(Number.parseInt(name, 10));
  const damaged = new Set<number>();
  for (const [uid, guid] of suspects) {
    if (present.has(uid) && (await hashFile(messagePath(folder, uid))) !== guid) damaged.add(uid);
  }
  return { present, damaged };
}

async function hashFile(path: string): Promise<string | undefined> {
  try {
    return new CryptoHasher("sha1").update(await fsp.readFile(path)).digest("hex");
  } catch (fault) {
    if (isMissing(fault)) return undefined;
    throw fault;
  }
}

export function recoveryJob({ present, damaged }: FoundFiles, boot: string, log: Log): WriteJob<void> {
  return {
    action: "recover the mailbox",
    messages: 1,
    newUids: 0,
    *steps(transaction) {
      const { totals, target, index } = transaction;
      // Another process may have done it while this one waited for the lock.
      if (!needsRecovery(totals, boot)) return;
      const rows = new Set<number>(allUids(index));
      const oldNext = totals.uidNext;
      for (const uid of rows) {
        if (!present.has(uid) || damaged.has(uid)) loseRow(transaction, uid, log);
      }
      transaction.modSeq();
      skipAhead(totals, boot);
      const expunged = new Set(index.all<[number]>("SELECT uid FROM tombstone").map(([uid]) => uid));
      transaction.whenDurable.push(async () => {
        for (const uid of present) {
          const path = messagePath(target.path, uid);
          if (damaged.has(uid) || (!rows.has(uid) && uid >= oldNext)) {
            await fsp.rename(path, orphanPath(target.path, uid));
          } else if (expunged.has(uid)) {
            await fsp.rm(path, { force: true });
          } else if (!rows.has(uid)) {
            log.warning("message file is not in the index", { mailbox: target.uniqueId, uid });
          }
        }
      });
      yield;
    },
  };
}

function loseRow(transaction: Transaction, uid: number, log: Log): void {
  const { totals, target, index } = transaction;
  if (uid < totals.suspectFrom) {
    log.error("message file is missing", { mailbox: target.uniqueId, uid });
  } else {
    log.notice("message was lost before it was acknowledged", { mailbox: target.uniqueId, uid });
    removeMessage(transaction, uid as Uid, allReaders(index)); // it came from the index
  }
}
