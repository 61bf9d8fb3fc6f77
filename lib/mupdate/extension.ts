// X-IATLAS: what our MUPDATE servers and clients say to each other beyond RFC 3656, so that a replica that was away hears
// only what it missed, and an administrator sees how every peer is. A peer that does not know it is never sent any of it.
//
// A server that takes it says so in its greeting, before the OK line, with the name of its change feed:
//
//   * X-IATLAS "<feed>"
//
// A feed numbers every change of the list. Its name changes with every start of the server, and the server knows which of
// its former feeds its history continues, and how far. A list that was lost, refilled, or put back from a copy knows
// nothing of the positions reached after the copy, and refuses them.
//
//   resume  = tag SP "RESUME" SP feed SP sequence CRLF        ; like UPDATE; both are strings
//   report  = tag SP "REPORT" SP role SP name SP json CRLF    ; role: "backend" or "replica"; legal while streaming
//   status  = tag SP "STATUS" CRLF                            ; legal while streaming
//   answers = tag SP "SEQUENCE" SP sequence CRLF              ; in the stream of RESUME only
//           / tag SP "STATUS" SP literal CRLF                 ; one JSON object, UTF-8; then the OK
//
// RESUME with the feed and sequence of the last mark is followed by what changed since, as MAILBOX, RESERVE and DELETE
// lines (a name more than once is possible, and a DELETE of an unknown name too), one SEQUENCE mark, and OK; then by
// every change as after UPDATE. NO: the feed does not reach back there; the connection is as before. RESUME "" "0" is
// followed by the whole list, a mark and OK. A mark says that all changes up to that number of the greeting's feed have
// been sent on this stream; numbers are decimal, at most 2^53-1. Only one of UPDATE and RESUME is possible on a connection.
//
// REPORT tells how its sender is, in place of what it told before; it is kept until its connection ends. The answer is
// OK, or BAD for an unknown role or what is no JSON object of at most 16 KB.

import { Bad } from "../base/fault.ts";
import { refusalTexts } from "./dialect.ts";

/** The capability, in the greeting. */
export const extensionName = "X-IATLAS";

export type PeerRole = "backend" | "replica";

/** What a backend reports: mailboxes it holds, changes the master has not heard of, and its last resynchronisation. */
export interface BackendReport {
  readonly mailboxes: number;
  readonly outbox: number;
  /** How long the oldest change in the outbox has been waiting. */
  readonly oldestMs: number;
  /** When the last resynchronisation ended, milliseconds since 1970; 0: never. */
  readonly lastReconcileMs: number;
  /** What it came to, in words; empty: never. */
  readonly lastReconcile: string;
}

/** What a replica reports once it is on disk: the last mark of its master it has reached, and its mailboxes. */
export interface ReplicaReport {
  readonly sequence: number;
  readonly entries: number;
}

export type PeerReport = Readonly<Record<string, unknown>>;

/** One connection, as STATUS shows it. */
export interface PeerStatus {
  readonly address: string;
  readonly user: string;
  /** By its report; else `stream` after UPDATE (a replica that reports nothing: Cyrus'), and `client`. */
  readonly kind: PeerRole | "stream" | "client";
  /** The name it reported; empty: none. */
  readonly name: string;
  readonly connectedMs: number;
  readonly report: PeerReport | undefined;
  /** How old the report is. */
  readonly reportedMs: number | undefined;
  /** Names of changes the connection has not taken yet. */
  readonly queued: number;
  /** Of a replica: changes it has not reached, and since when the first of them has been waiting. */
  readonly lagEntries: number | undefined;
  readonly lagMs: number | undefined;
}

/** What a replica says of the master it follows. */
export interface UpstreamStatus {
  readonly server: string;
  readonly state: "connecting" | "loading" | "following" | "stopped";
  /** Undefined with a master that has no feed. */
  readonly feed: string | undefined;
  readonly sequence: number | undefined;
  /** Since when the state lasts. */
  readonly sinceMs: number;
  readonly isComplete: boolean;
}

export interface ServerStatus {
  readonly role: "master" | "replica";
  readonly server: string;
  readonly version: string;
  readonly feed: string;
  readonly sequence: number;
  readonly entries: number;
  readonly uptimeMs: number;
  /** Only of a replica. */
  readonly upstream?: UpstreamStatus;
  readonly peers: readonly PeerStatus[];
}

const largestReport = 16 * 1024;

/** Reads a sequence number. */
export function parseSequence(text: string): number {
  const sequence = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(sequence)) throw new Bad(refusalTexts.malformed);
  return sequence;
}

export function parsePeerRole(text: string): PeerRole {
  if (text !== "backend" && text !== "replica") throw new Bad(refusalTexts.malformed);
  return text;
}

/** Reads what a peer reports: any JSON object. */
export function parseReport(text: string): PeerReport {
  const report = text.length <= largestReport ? parseObject(text) : undefined;
  if (!report) throw new Bad(refusalTexts.malformed);
  return report;
}

/** Reads the answer to STATUS. */
export function parseStatus(text: string): ServerStatus {
  const status = parseObject(text);
  if (!status || !isStatus(status)) throw new Bad("Not a status");
  return status;
}

function parseObject(text: string): PeerReport | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is PeerReport {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The server is ours and newer ones only add: what every reader needs is looked at. */
function isStatus(value: PeerReport): value is PeerReport & ServerStatus {
  const { role, feed, sequence, peers } = value;
  const hasFeed = typeof feed === "string" && typeof sequence === "number";
  return (role === "master" || role === "replica") && hasFeed && Array.isArray(peers) && peers.every(isObject);
}
