// Where moved messages came from. A MOVE to another mailbox is two transactions, often on two servers: whoever is killed in
// between asks again, and must find what the first attempt left instead of making it twice. What is here counts only as long
// as the message does, with the same octets: else it is added anew, since a message too many is no loss.

import { syncFile } from "../durable.ts";
import type { MessageSource, Uid } from "../store.ts";
import type { IndexFile } from "./index-file.ts";
import { messagePath } from "./layout.ts";
import type { Transaction } from "./transaction.ts";

/** A client that has not asked again by then has given up, or did so by hand. */
const keptSeconds = 7 * 24 * 60 * 60;

/** The message here that came from there. */
export function findMoved(index: IndexFile, from: MessageSource | undefined, guid: string): Uid | undefined {
  if (!from) return undefined;
  const row = index.one<{ uid: Uid }>(
    `SELECT m.uid FROM source s JOIN message m ON m.uid = s.uid
     WHERE s.mailbox = ? AND s.uidvalidity = ? AND s.source_uid = ? AND m.guid = ?`,
    from.mailbox,
    from.uidValidity,
    from.uid,
    guid,
  );
  return row?.uid;
}

export function noteMoved(index: IndexFile, from: MessageSource, uid: Uid, nowMs: number): void {
  const now = Math.floor(nowMs / 1000);
  index.run("DELETE FROM source WHERE noted < ?", now - keptSeconds);
  index.run("INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?, ?)", from.mailbox, from.uidValidity, from.uid, uid, now);
}

/** What another process added and was killed over may not be on disk yet: it must be before anybody relies on it. */
export function confirmMoved(transaction: Transaction, known: Iterable<Uid | undefined>): void {
  const uids = [...known].filter((uid) => uid !== undefined);
  if (uids.length === 0) return;
  transaction.hasChanged = true;
  transaction.hasNewFiles = true;
  const { path } = transaction.target;
  transaction.syncs.add(async () => {
    for (const uid of uids) await syncFile(messagePath(path, uid));
  });
}
