// Everything a session asks of an index without changing it. Each function is one short read.

import {
  type CachedStructure,
  type Changes,
  type MailboxTotals,
  type MessageRecord,
  type ModSeq,
  SystemFlags,
  type Uid,
} from "../store.ts";
import type { IndexFile } from "./index-file.ts";
import { findReader } from "./seen.ts";
import { readExpunged } from "./tombstones.ts";
import { readPresentTotals } from "./totals.ts";

/** Records read at a time: no statement stays open while the caller works. */
export const recordsAtOnce = 256;

export function mailboxTotals(index: IndexFile): MailboxTotals {
  const { uidValidity, uidNext, highestModSeq, messages, bytes, deleted } = readPresentTotals(index);
  return {
    uidValidity,
    uidNext: uidNext as Uid, // what the index holds was a Uid and a ModSeq when it was written; so in all of this file
    highestModSeq: highestModSeq as ModSeq,
    messages,
    bytes,
    deleted,
  };
}

export function allUids(index: IndexFile): Uint32Array {
  const rows = index.all<[number]>("SELECT uid FROM message ORDER BY uid");
  const uids = new Uint32Array(rows.length);
  for (let position = 0; position < rows.length; position++) uids[position] = rows[position]![0];
  return uids;
}

export function unseenCount(index: IndexFile, user: string): number {
  const messages = index.one<{ messages: number }>("SELECT messages FROM mailbox")!.messages;
  return messages - (index.one<{ seen: number }>("SELECT seen FROM reader WHERE name = ?", user)?.seen ?? 0);
}

export function firstUnseen(index: IndexFile, user: string): Uid | undefined {
  return index.one<{ uid: Uid }>(
    `SELECT uid FROM message m
     WHERE NOT EXISTS (SELECT 1 FROM seen s WHERE s.reader = ? AND s.uid = m.uid AND s.is_seen = 1)
     ORDER BY uid LIMIT 1`,
    findReader(index, user) ?? 0,
  )?.uid;
}

type RecordRow = readonly [
  uid: number,
  modSeq: number,
  system: number,
  keywords: string | null,
  internalDate: number,
  saveDate: number,
  size: number,
  guid: string,
  seenModSeq: number | null,
  isSeen: number | null,
];

const recordColumns = `
  SELECT m.uid, m.modseq, m.system, m.keywords, m.internaldate, m.savedate, m.size, m.guid, s.modseq, s.is_seen
  FROM message m LEFT JOIN seen s ON s.reader = ? AND s.uid = m.uid`;

/** Records of `uids` (ascending, not more than `recordsAtOnce`). A dense set is one range scan, a sparse one lookups. */
export function readRecords(index: IndexFile, uids: readonly Uid[], user: string): readonly MessageRecord[] {
  const reader = findReader(index, user) ?? 0;
  const first = uids[0]!;
  const last = uids[uids.length - 1]!;
  if (last - first < uids.length * 4) {
    const rows = index.all<RecordRow>(
      `${recordColumns} WHERE m.uid BETWEEN ? AND ? ORDER BY m.uid`,
      reader,
      first,
      last,
    );
    const wanted = rows.length === uids.length ? rows : selectRows(rows, uids);
    return wanted.map((row) => record(index, row));
  }
  return uids
    .flatMap((uid) => index.all<RecordRow>(`${recordColumns} WHERE m.uid = ?`, reader, uid))
    .map((row) => record(index, row));
}

function selectRows(rows: readonly RecordRow[], uids: readonly Uid[]): readonly RecordRow[] {
  const wanted = new Set<number>(uids);
  return rows.filter(([uid]) => wanted.has(uid));
}

function record(index: IndexFile, row: RecordRow): MessageRecord {
  const [uid, modSeq, system, keywords, internalDate, saveDate, size, guid, seenModSeq, isSeen] = row;
  return {
    uid: uid as Uid,
    modSeq: Math.max(modSeq, seenModSeq ?? 0) as ModSeq,
    flags: {
      system: isSeen === 1 ? system | SystemFlags.seen : system,
      keywords: index.keywords.decode(keywords),
    },
    internalDateMs: internalDate * 1000,
    saveDateMs: saveDate * 1000,
    size,
    guid,
  };
}

export function readStructure(index: IndexFile, uid: Uid): CachedStructure | undefined {
  return index.one<CachedStructure>(
    "SELECT envelope, bodystructure AS bodyStructure, body FROM structure WHERE uid = ?",
    uid,
  );
}

export function readSizes(
  index: IndexFile,
  uid: Uid,
): { readonly size: number; readonly headerSize: number } | undefined {
  return index.one("SELECT size, header_size AS headerSize FROM message WHERE uid = ?", uid);
}

export function readChanges(index: IndexFile, modSeq: ModSeq, user: string): Changes {
  return index.snapshot(() => {
    const arrived: Uid[] = [];
    const flagged = new Set<Uid>();
    for (const [uid, created] of index.all<[Uid, number]>(
      "SELECT uid, created FROM message WHERE modseq > ?",
      modSeq,
    )) {
      if (created > modSeq) arrived.push(uid);
      else flagged.add(uid);
    }
    const reader = findReader(index, user);
    if (reader !== undefined) {
      const rows = index.all<[Uid]>(
        `SELECT s.uid FROM seen s JOIN message m ON m.uid = s.uid
         WHERE s.reader = ?1 AND s.modseq > ?2 AND m.created <= ?2`,
        reader,
        modSeq,
      );
      for (const [uid] of rows) flagged.add(uid);
    }
    return {
      highestModSeq: readPresentTotals(index).highestModSeq as ModSeq,
      arrived: arrived.sort(ascending),
      flagged: [...flagged].sort(ascending),
      expunged: readExpunged(index, modSeq),
      hasNewKeywords: index.one("SELECT 1 FROM keyword WHERE modseq > ? LIMIT 1", modSeq) !== undefined,
    };
  });
}

function ascending(a: number, b: number): number {
  return a - b;
}
