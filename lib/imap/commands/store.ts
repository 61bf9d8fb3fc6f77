// STORE and UID STORE (RFC 3501 §6.4.6), within the user's rights: s for \Seen, t for \Deleted, w for the rest
// (RFC 4314 §4). What is not allowed is passed over, unless nothing else was asked for (R112).

import { TimeSlice } from "../../base/time-slice.ts";
import { Right } from "../../mailbox/acl.ts";
import type { FlagChangeReport, Flags, MessageRecord, Uid } from "../../mailbox/store.ts";
import { formatSequenceSet } from "../../wire/sequence-set.ts";
import { denied } from "../access.ts";
import { enableCondstore, hasCondstore } from "../condstore.ts";
import type { LocalSelection } from "../local-selection.ts";
import { allowedSystemFlags, allSystemFlags, formatFlags } from "../parse/flags.ts";
import { resolveInView } from "../parse/sequence.ts";
import { readStore, type StoreArgs } from "../parse/store.ts";
import { toSelectedNoting } from "../pass-on.ts";
import { type Answer, type Row, row, selected } from "../row.ts";
import { expungeIssued, localSelection, requireWritable } from "../selected.ts";
import type { Session } from "../session.ts";

export const storeRow = makeRow(false);
export const uidStoreRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return row<StoreArgs>({
    state: "selected",
    ...(isUid ? {} : { usesSequenceNumbers: true }),
    args: readStore,
    at: selected,
    passesTo: toSelectedNoting(readStore, ({ unchangedSince }) => unchangedSince !== undefined),
    run: (session, args) => store(session, localSelection(session), args, isUid),
  });
}

async function store(session: Session, selection: LocalSelection, args: StoreArgs, isUid: boolean): Promise<Answer> {
  const { flags, operation, unchangedSince } = args;
  if (unchangedSince !== undefined) enableCondstore(session);
  requireWritable(selection);
  const uids = selection.uidsIn(resolveInView(args.set, selection, isUid));
  const allowedSystem = allowedSystemFlags(selection.rights(session));
  const mayChangeKeywords = (selection.rights(session) & Right.write) !== 0;
  requireSome(args, allowedSystem, mayChangeKeywords);
  if (uids.length === 0) return undefined;
  const knownModSeq = selection.modSeq;
  const condition = unchangedSince === undefined ? {} : { unchangedSince };
  const change = { uids, operation, flags, allowedSystem, mayChangeKeywords, knownModSeq, ...condition };
  const changed = await selection.mailbox.changeFlags(change, session.user.user);
  const { unchanged } = changed;
  const answer = await report(session, selection, uids, args, isUid, changed);
  if (unchanged.length === 0) return answer;
  const modified = unchanged.map((uid) => (isUid ? uid : selection.indexOf(uid) + 1));
  return { code: `MODIFIED ${formatSequenceSet(modified)}`, text: "Some messages were changed before" };
}

/** Throws No when none of the flags that the client names may be changed. */
function requireSome({ flags, operation }: StoreArgs, allowedSystem: number, mayChangeKeywords: boolean): void {
  const isEmpty = flags.system === 0 && flags.keywords.length === 0;
  if (isEmpty && operation !== "replace") return;
  const named: Flags = isEmpty ? { system: allSystemFlags, keywords: [] } : flags;
  if (named.system & allowedSystem) return;
  if (mayChangeKeywords && (named.keywords.length > 0 || isEmpty)) return;
  throw denied();
}

/** Tells how the messages are now; after .SILENT only what the client does not expect, or cannot know (RFC 7162 §3.1.3). */
async function report(
  session: Session,
  selection: LocalSelection,
  uids: readonly Uid[],
  args: StoreArgs,
  isUid: boolean,
  { unchanged, hadNews, modSeq: ownModSeq }: FlagChangeReport,
): Promise<Answer> {
  const slice = new TimeSlice(session.server.clock);
  const tellsModSeqs = hasCondstore(session);
  const known = selection.modSeq;
  const leftAlone = unchanged.length > 0 ? new Set(unchanged) : undefined;
  // Others may have changed the message before, or since: the client cannot expect that.
  const isOnlyOurs = ({ uid, modSeq }: MessageRecord) =>
    !leftAlone?.has(uid) && !hadNews?.has(uid) && modSeq <= (ownModSeq ?? known);
  // New keywords must be known before they are used.
  if (args.flags.keywords.length > 0) selection.announceKeywords(session);
  let text = "";
  let count = 0;
  for (const record of selection.mailbox.records(uids, session.user.user)) {
    count += 1;
    const flags = selection.flagsOf(record);
    const state = selection.stateOf(session, record, flags);
    selection.told(record.uid, state);
    const isExpected = args.isSilent && isOnlyOurs(record) && isAsAsked(record.flags, args);
    // A conditional STORE always tells the MODSEQ.
    const isNews = args.unchangedSince !== undefined || record.modSeq > known;
    if (isExpected && !(tellsModSeqs && isNews)) continue;
    const number = selection.indexOf(record.uid) + 1;
    if (isExpected) text += `* ${number} FETCH (UID ${record.uid} MODSEQ (${record.modSeq}))\r\n`;
    else if (tellsModSeqs || isUid) text += `* ${number} FETCH (${state})\r\n`;
    else text += `* ${number} FETCH (FLAGS ${flags})\r\n`;
    if (slice.isOver) {
      session.send(text);
      text = "";
      await session.drained();
      await slice.next();
    }
  }
  if (text !== "") session.send(text);
  return count === uids.length || isUid ? undefined : expungeIssued;
}

function isAsAsked(now: Flags, { operation, flags }: StoreArgs): boolean {
  if (operation === "replace") return formatFlags(sorted(now), false) === formatFlags(sorted(flags), false);
  const has = new Set(now.keywords.map((name) => name.toLowerCase()));
  const wanted = operation === "add";
  const bits = now.system & flags.system;
  return bits === (wanted ? flags.system : 0) && flags.keywords.every((name) => has.has(name.toLowerCase()) === wanted);
}

function sorted(flags: Flags): Flags {
  return { system: flags.system, keywords: flags.keywords.map((name) => name.toLowerCase()).sort() };
}
