// Opens a mailbox again that a client had selected on a connection that was lost, and finds out what has become of it
// meanwhile. The client's own connection must not be told to use QRESYNC, unless the client does: what vanished is asked
// on a second one, which lasts for the question only (RFC 7162 §3.2.5).

import { No } from "../base/fault.ts";
import type { Completion, Remote, UntaggedResponse } from "../mailbox/place.ts";
import { type NumberRange, SequenceSet } from "../wire/sequence-set.ts";
import { formatAstring } from "../wire/writer.ts";
import { HeardView } from "./heard-view.ts";
import { readFetched } from "./plans/untagged.ts";
import type { Elsewhere } from "./selection.ts";
import type { Session } from "./session.ts";
import { insertedAt } from "./view.ts";
import { compareViews, type ViewChange } from "./view-change.ts";
import { replayView } from "./view-replay.ts";

/** The mailbox, selected again, and what the client has not been told. */
export interface Reopened {
  readonly remote: Remote;
  readonly heard: HeardView;
  readonly isReadOnly: boolean;
  readonly change: ViewChange | undefined;
  /** Those that the client knows and whose flags may have changed: message numbers in the present view, and UIDs. */
  readonly flagged: { readonly numbers: readonly number[]; readonly uids: readonly number[] };
  /** FLAGS and PERMANENTFLAGS as the server gives them now, to go before flags. */
  readonly flagLines: string;
  readonly recent: number | undefined;
}

/** Nobody can say what the client's message numbers stand for. */
export class NotTheSame extends Error {}

/** So often news may come in between while the messages are listed. */
const maxListings = 5;

/** What is tried: whoever wants it no more says so, and closes the connection. */
export interface Attempt {
  isGivenUp: boolean;
  remote: Remote | undefined;
}

/**
 * Opens it on a connection of its own: whatever else the session does meanwhile has nothing to do with it. Throws No when
 * it is worth trying again, or was given up, NotTheSame when it is not.
 */
export async function reopen(session: Session, selection: Elsewhere, attempt: Attempt): Promise<Reopened> {
  const remote = await session.links.apart(await serverOf(session, selection));
  attempt.remote = remote;
  try {
    const reopened = attempt.isGivenUp ? undefined : await reopenOn(session, remote, selection);
    if (!reopened || attempt.isGivenUp) throw new No("UNAVAILABLE", "The mailbox was left");
    return reopened;
  } catch (fault) {
    remote.close();
    throw fault;
  }
}

async function reopenOn(session: Session, remote: Remote, selection: Elsewhere): Promise<Reopened> {
  const { heard: before, mailbox, isExamined, parameters } = selection;
  await session.relaying.level(remote);
  const heard = new HeardView();
  remote.onCount(heard);
  const verb = isExamined ? "EXAMINE" : "SELECT";
  const answer = await remote.command([`${verb} `, wireName(mailbox), parameters]);
  requireOk(answer);
  heard.begin();
  requireSameMailbox(before, heard);
  const common = {
    ...{ remote, heard },
    isReadOnly: /^\[READ-ONLY\]/i.test(answer.text),
    flagLines: flagLinesOf(answer.untagged),
    recent: recentOf(answer.untagged),
  };
  if (isUntouched(before, heard)) return { ...common, change: undefined, flagged: { numbers: [], uids: [] } };
  const current = await listMessages(remote, heard);
  const { vanished, changed } = await changesSince(session, remote.server, mailbox, before);
  const view = replayView(before, current, vanished);
  const change = view && compareViews(view, current);
  if (!change) throw new NotTheSame("the client's view is not certain");
  const known = current.subarray(0, change.known);
  return { ...common, change, flagged: flaggedIn(known, [...changed, ...before.untoldFlags]) };
}

/** A mailbox that was moved meanwhile is followed: its UIDVALIDITY tells whether it is the same. */
async function serverOf(session: Session, { entry }: Elsewhere): Promise<string> {
  try {
    const place = await session.server.router.locate(entry.name);
    if (place.kind === "elsewhere") return place.server;
  } catch (fault) {
    if (!(fault instanceof No) || fault.code === "UNAVAILABLE") throw fault;
    throw new NotTheSame(fault.message);
  }
  throw new NotTheSame("it is here now");
}

function wireName(mailbox: string): string | Uint8Array {
  return /[\r\n\0\u0080-\u00ff]/.test(mailbox) ? Buffer.from(mailbox, "latin1") : formatAstring(mailbox);
}

/** Throws No for what may be better in a while. */
function requireOk({ status, text }: Completion): void {
  if (status === "OK") return;
  const isTemporary = status === "NO" && /^\[(UNAVAILABLE|INUSE|SERVERBUG|LIMIT|CONTACTADMIN)\]/i.test(text);
  throw isTemporary ? new No("UNAVAILABLE", text) : new NotTheSame(text);
}

function requireSameMailbox(before: HeardView, now: HeardView): void {
  const isSame =
    now.isClear &&
    now.uidValidity === before.uidValidity &&
    now.uidNext! >= before.uidNext! &&
    BigInt(now.highestModSeq!) >= BigInt(before.highestModSeq!);
  if (!isSame) throw new NotTheSame("UIDVALIDITY, UIDNEXT or HIGHESTMODSEQ");
}

/** Nothing was told since SELECT, and nothing has changed. */
function isUntouched(before: HeardView, now: HeardView): boolean {
  return (
    before.isAsSelected &&
    now.highestModSeq === before.highestModSeq &&
    now.uidNext === before.uidNext &&
    now.selected === before.selected
  );
}

/** The UIDs in the view that the server now has of the mailbox, which stays as it is until the next command. */
async function listMessages(remote: Remote, heard: HeardView): Promise<Uint32Array> {
  const isExtended = remote.capabilities.has("ESEARCH");
  for (let listing = 0; listing < maxListings; listing += 1) {
    const { count, news } = heard;
    const answer = await remote.command([isExtended ? "UID SEARCH RETURN (ALL) ALL" : "UID SEARCH ALL"]);
    requireOk(answer);
    if (heard.news !== news) continue; // what was listed may be from before them
    const uids = uidsIn(answer.untagged);
    if (uids?.length === count) return uids;
  }
  throw new NotTheSame("its messages cannot be listed");
}

function uidsIn(untagged: readonly UntaggedResponse[]): Uint32Array | undefined {
  for (const { frame } of untagged) {
    const text = frame.texts.join("");
    const extended = /^ESEARCH .*?\bUID(?: ALL ([\d:,]+))?/i.exec(text);
    if (extended) return resolve(extended[1] ?? "");
    if (/^SEARCH\b/i.test(text)) return Uint32Array.from(text.match(/\d+/g) ?? [], Number).sort();
  }
  return undefined;
}

function resolve(text: string): Uint32Array | undefined {
  return text === "" ? new Uint32Array(0) : SequenceSet.parse(text)?.resolve(0xffff_ffff);
}

interface ChangesSince {
  readonly vanished: readonly NumberRange[];
  /** UIDs. */
  readonly changed: readonly number[];
}

/** Asked after the messages were listed: whatever is missing there has vanished by now. */
async function changesSince(
  session: Session,
  server: string,
  mailbox: string,
  { uidValidity, highestModSeq }: HeardView,
): Promise<ChangesSince> {
  const aside = await session.links.apart(server);
  try {
    const enabling = aside.command(["ENABLE QRESYNC"]);
    const since = ` (QRESYNC (${uidValidity} ${highestModSeq}))`;
    // Not one after the other: who does not know the first says BAD to the second, or is not there to say anything.
    const examining = aside.command(["EXAMINE ", wireName(mailbox), since]);
    examining.catch(() => {});
    const enabled = await enabling;
    if (!enabled.untagged.some(({ frame }) => /^ENABLED\b.*\bQRESYNC\b/i.test(frame.texts[0] ?? ""))) {
      throw new NotTheSame("the server does not tell what vanished");
    }
    const { untagged, ...completion } = await examining;
    requireOk(completion);
    return readChanges(untagged, uidValidity);
  } finally {
    aside.close();
  }
}

function readChanges(untagged: readonly UntaggedResponse[], uidValidity: number | undefined): ChangesSince {
  const vanished: NumberRange[] = [];
  const changed: number[] = [];
  let isSame = false;
  for (const { frame } of untagged) {
    const text = frame.texts[0] ?? "";
    const named = /^VANISHED (?:\(EARLIER\) )?([\d:,]+)$/i.exec(text)?.[1];
    if (named !== undefined) vanished.push(...(SequenceSet.parse(named)?.ranges(0) ?? []));
    else if (Number(/^OK \[UIDVALIDITY (\d+)\]/i.exec(text)?.[1]) === uidValidity) isSame = true;
    const uid = readFetched(frame)?.uid;
    if (uid !== undefined) changed.push(uid);
  }
  if (!isSame) throw new NotTheSame("UIDVALIDITY");
  return { vanished, changed };
}

function flaggedIn(known: Uint32Array, changed: readonly number[]): Reopened["flagged"] {
  const indexes = new Set<number>();
  for (const uid of changed) {
    const index = insertedAt(known, uid);
    if (known[index] === uid) indexes.add(index);
  }
  const ascending = [...indexes].sort((a, b) => a - b);
  return { numbers: ascending.map((index) => index + 1), uids: ascending.map((index) => known[index]!) };
}

function flagLinesOf(untagged: readonly UntaggedResponse[]): string {
  return untagged
    .map(({ frame }) => frame.texts.join(""))
    .filter((text) => /^(FLAGS \(|OK \[PERMANENTFLAGS )/i.test(text))
    .map((text) => `* ${text}\r\n`)
    .join("");
}

function recentOf(untagged: readonly UntaggedResponse[]): number | undefined {
  for (const { frame } of untagged) {
    const found = /^(\d+) RECENT$/i.exec(frame.texts[0] ?? "");
    if (found) return Number(found[1]);
  }
  return undefined;
}
