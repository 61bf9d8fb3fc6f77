// Putting messages into a mailbox: the staged file gets its name in the mailbox folder inside the index transaction, so
// that a UID and its file come together. What a killed process leaves behind is a file without a row: the next to get that
// UID moves it aside.

import fs from "node:fs";
import { No } from "../../base/fault.ts";
import { errorCode, isMissing } from "../durable.ts";
import {
  type Admission,
  type CachedStructure,
  type MessageSource,
  type NewMessage,
  SystemFlags,
  type Uid,
} from "../store.ts";
import { removeFiles, removeMessage } from "./expunge.ts";
import { messagePath, orphanPath } from "./layout.ts";
import { allReaders, setSeen } from "./seen.ts";
import { confirmMoved, findMoved, noteMoved } from "./sources.ts";
import { StagedFile } from "./staging.ts";
import type { Transaction, WriteJob } from "./transaction.ts";

/** A message as the index keeps it, and the file to link it from. */
export interface Arrival {
  readonly source: string;
  /** Puts the file on disk, where that is not done yet. */
  readonly sync?: () => Promise<void>;
  readonly system: number;
  readonly isSeen: boolean;
  readonly keywords: readonly string[];
  readonly internalDate: number;
  readonly size: number;
  readonly guid: string;
  readonly headerSize: number;
  readonly structure: CachedStructure;
  readonly from?: MessageSource | undefined;
}

export function appendJob(
  messages: readonly NewMessage[],
  user: string,
  nowMs: number,
  admit: Admission | undefined,
  replaces: Uid | undefined,
): WriteJob<readonly Uid[]> {
  const syncs = new Map<StagedFile, () => Promise<void>>();
  const arrivals = messages.map((message) => arrivalOf(message, syncs));
  return {
    action: "append to the mailbox",
    messages: messages.length,
    newUids: messages.length,
    *steps(transaction) {
      const known = arrivals.map(({ from, guid }) => findMoved(transaction.index, from, guid));
      const added = arrivals.filter((_, at) => known[at] === undefined);
      admit?.(
        added.reduce((sum, { size }) => sum + size, 0),
        added.length,
      );
      const uids: Uid[] = [];
      for (const [at, arrival] of arrivals.entries()) {
        uids.push(known[at] ?? addMessage(transaction, arrival, user, nowMs));
        yield;
      }
      confirmMoved(transaction, known);
      if (replaces !== undefined) removeReplaced(transaction, replaces);
      return uids;
    },
  };
}

function removeReplaced(transaction: Transaction, uid: Uid): void {
  if (!removeMessage(transaction, uid, allReaders(transaction.index))) {
    throw new No("EXPUNGEISSUED", "Message no longer exists");
  }
  const { path } = transaction.target;
  transaction.whenDurable.push(() => removeFiles(path, [uid]));
}

/** Gives the message the next UID. */
export function addMessage(transaction: Transaction, arrival: Arrival, user: string, nowMs: number): Uid {
  const { index, totals, target } = transaction;
  const modSeq = transaction.modSeq();
  const uid = totals.uidNext as Uid; // the place where UIDs are made
  if (uid >= 0xffff_ffff) throw new No("LIMIT", "Mailbox has used up its UIDs");
  linkMessage(transaction, arrival.source, messagePath(target.path, uid), uid);
  if (arrival.sync) transaction.syncs.add(arrival.sync);
  totals.uidNext += 1;
  totals.messages += 1;
  totals.bytes += arrival.size;
  if (arrival.system & SystemFlags.deleted) totals.deleted += 1;
  const keywords = arrival.keywords.length === 0 ? null : index.keywords.encode(arrival.keywords, () => modSeq);
  index.run(
    "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    uid,
    modSeq,
    modSeq,
    arrival.system & ~SystemFlags.seen,
    keywords,
    arrival.internalDate,
    Math.floor(nowMs / 1000),
    arrival.size,
    arrival.guid,
    arrival.headerSize,
  );
  const { envelope, bodyStructure, body } = arrival.structure;
  index.run("INSERT INTO structure VALUES (?, ?, ?, ?)", uid, envelope, bodyStructure, body);
  if (arrival.isSeen) setSeen(transaction, user, uid, true);
  if (arrival.from) noteMoved(index, arrival.from, uid, nowMs);
  return uid;
}

function linkMessage(transaction: Transaction, source: string, path: string, uid: number): void {
  try {
    link(source, path);
  } catch (fault) {
    if (errorCode(fault) !== "EEXIST") {
      if (isMissing(fault) && !fs.existsSync(transaction.target.path)) {
        throw new No("NONEXISTENT", "Mailbox does not exist");
      }
      throw fault;
    }
    fs.renameSync(path, orphanPath(transaction.target.path, uid));
    link(source, path);
  }
  transaction.hasNewFiles = true;
  transaction.undo.push(() => fs.rmSync(path, { force: true }));
}

function link(source: string, path: string): void {
  try {
    fs.linkSync(source, path);
  } catch (fault) {
    // A file can have so many names only (ext4: 65,000); a mail to more mailboxes than that is rare enough to sync here.
    if (errorCode(fault) !== "EMLINK") throw fault;
    fs.copyFileSync(source, path, fs.constants.COPYFILE_EXCL);
    const descriptor = fs.openSync(path, "r");
    try {
      fs.fdatasyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  }
}

function arrivalOf(message: NewMessage, syncs: Map<StagedFile, () => Promise<void>>): Arrival {
  const { staged, flags } = message;
  if (!(staged instanceof StagedFile)) throw new Error("message was staged by another store");
  const sync = syncs.get(staged) ?? (() => staged.sync());
  syncs.set(staged, sync);
  return {
    source: staged.path,
    sync,
    system: flags.system,
    isSeen: (flags.system & SystemFlags.seen) !== 0,
    keywords: flags.keywords,
    internalDate: Math.floor(message.internalDateMs / 1000),
    size: staged.size,
    guid: staged.guid,
    headerSize: staged.headerSize,
    structure: staged.structure,
    from: message.from,
  };
}
