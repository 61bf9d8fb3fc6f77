// COPY: rows are read from the source inside the target's transaction, files are hard-linked. Between partitions, which may
// be different disks, the files are copied and synced first, into the target's `stage/`.

import fsp from "node:fs/promises";
import { isMissing, syncFile } from "../durable.ts";
import { type Admission, type CopyOptions, SystemFlags, type Uid } from "../store.ts";
import { type Arrival, addMessage } from "./append.ts";
import type { IndexFile } from "./index-file.ts";
import { messagePath } from "./layout.ts";
import { findReader } from "./seen.ts";
import { confirmMoved, findMoved } from "./sources.ts";
import type { WriteJob } from "./transaction.ts";

export interface CopySource {
  readonly path: string;
  use<T>(read: (index: IndexFile) => T): T;
}

export interface Copied {
  readonly source: readonly Uid[];
  readonly copied: readonly Uid[];
}

/** `files` says where to link a message from, when not from the source folder itself. */
export function copyJob(
  source: CopySource,
  uids: readonly Uid[],
  user: string,
  nowMs: number,
  admit: Admission | undefined,
  options: CopyOptions = {},
  files?: ReadonlyMap<Uid, string>,
): WriteJob<Copied> {
  const { movedFrom } = options;
  return {
    action: "copy messages",
    messages: uids.length,
    newUids: uids.length,
    *steps(transaction) {
      const known = new Map<Uid, Uid>();
      let octets = 0;
      let messages = 0;
      for (const uid of admit || movedFrom ? uids : []) {
        const row = source.use((index) => index.one<SizeRow>("SELECT size, guid FROM message WHERE uid = ?", uid));
        if (!row) continue;
        const moved = findMoved(transaction.index, movedFrom && { ...movedFrom, uid }, row.guid);
        if (moved !== undefined) known.set(uid, moved);
        else {
          octets += row.size;
          messages += 1;
        }
        yield;
      }
      admit?.(octets, messages);
      const found: Uid[] = [];
      const copied: Uid[] = [];
      for (const uid of uids) {
        const path = files ? files.get(uid) : messagePath(source.path, uid);
        const arrival = path && source.use((index) => readArrival(index, uid, user, path, options));
        if (!arrival) continue;
        try {
          copied.push(known.get(uid) ?? addMessage(transaction, arrival, user, nowMs));
          found.push(uid);
        } catch (fault) {
          if (!isMissing(fault)) throw fault; // else: another process has expunged it this moment
        }
        yield;
      }
      confirmMoved(transaction, known.values());
      return { source: found, copied };
    },
  };
}

/** Copies message files to another partition; missing ones are left out. The caller removes the copies. */
export async function copyFiles(source: string, uids: readonly Uid[], target: () => string): Promise<Map<Uid, string>> {
  const files = new Map<Uid, string>();
  try {
    for (const uid of uids) {
      const path = target();
      try {
        await fsp.copyFile(messagePath(source, uid), path);
      } catch (fault) {
        if (isMissing(fault)) continue;
        throw fault;
      }
      files.set(uid, path);
      await syncFile(path);
    }
    return files;
  } catch (fault) {
    await removeCopies(files);
    throw fault;
  }
}

export async function removeCopies(files: ReadonlyMap<Uid, string>): Promise<void> {
  for (const path of files.values()) await fsp.rm(path, { force: true });
}

interface SizeRow {
  readonly size: number;
  readonly guid: string;
}

interface ArrivalRow {
  readonly system: number;
  readonly keywords: string | null;
  readonly internalDate: number;
  readonly size: number;
  readonly guid: string;
  readonly headerSize: number;
  readonly envelope: string;
  readonly bodyStructure: string;
  readonly body: string;
  readonly isSeen: number | null;
}

function readArrival(
  index: IndexFile,
  uid: Uid,
  user: string,
  source: string,
  { allowed, movedFrom }: CopyOptions,
): Arrival | undefined {
  const row = index.one<ArrivalRow>(
    `SELECT system, keywords, internaldate AS internalDate, size, guid, header_size AS headerSize,
            envelope, bodystructure AS bodyStructure, body, s.is_seen AS isSeen
     FROM message m JOIN structure t ON t.uid = m.uid LEFT JOIN seen s ON s.reader = ? AND s.uid = m.uid
     WHERE m.uid = ?`,
    findReader(index, user) ?? 0,
    uid,
  );
  if (!row) return undefined;
  const { internalDate, size, guid, headerSize, envelope, bodyStructure, body } = row;
  const structure = { envelope, bodyStructure, body };
  const mask = allowed?.system ?? -1;
  const system = row.system & mask;
  const isSeen = row.isSeen === 1 && (mask & SystemFlags.seen) !== 0;
  const keywords = allowed?.keywords === false ? [] : index.keywords.decode(row.keywords);
  const from = movedFrom && { ...movedFrom, uid };
  return { source, system, isSeen, keywords, internalDate, size, guid, headerSize, structure, from };
}
