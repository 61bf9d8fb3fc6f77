// STORE and UID STORE (RFC 3501 §6.4.6), within the user's rights: s for \Seen, t for \Deleted, w for the rest
// (RFC 4314 §4). What is not allowed is passed over, unless nothing else was asked for (R112).

import { TimeSlice } from "../../base/time-slice.ts";
import { Right } from "../../mailbox/acl.ts";
import type { Flags, Uid } from "../../mailbox/store.ts";
import { denied } from "../access.ts";
import type { LocalSelection } from "../local-selection.ts";
import { allowedSystemFlags, allSystemFlags, formatFlags } from "../parse/flags.ts";
import { resolveInView } from "../parse/sequence.ts";
import { readStore, type StoreArgs } from "../parse/store.ts";
import { toSelected } from "../pass-on.ts";
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
    passesTo: toSelected,
    run: (session, args) => store(session, localSelection(session), args, isUid),
  });
}

async function store(session: Session, selection: LocalSelection, args: StoreArgs, isUid: boolean): Promise<Answer> {
  requireWritable(selection);
  const uids = selection.uidsIn(resolveInView(args.set, selection, isUid));
  const { flags, operation } = args;
  const allowedSystem = allowedSystemFlags(selection.rights(session));
  const mayChangeKeywords = (selection.rights(session) & Right.write) !== 0;
  requireSome(args, allowedSystem, mayChangeKeywords);
  if (uids.length === 0) return undefined;
  await selection.mailbox.changeFlags({ uids, operation, flags, allowedSystem, mayChangeKeywords }, session.user.user);
  return await report(session, selection, uids, args, isUid);
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

/** Tells how the flags are now; after .SILENT only where that is not what the client expects. */
async function report(
  session: Session,
  selection: LocalSelection,
  uids: readonly Uid[],
  args: StoreArgs,
  isUid: boolean,
): Promise<Answer> {
  const slice = new TimeSlice(session.server.clock);
  // New keywords must be known before they are used.
  if (args.flags.keywords.length > 0) selection.announceKeywords(session);
  let text = "";
  let count = 0;
  for (const record of selection.mailbox.records(uids, session.user.user)) {
    count += 1;
    const flags = selection.flagsOf(record);
    selection.told(record.uid, flags);
    if (args.isSilent && isAsAsked(record.flags, args)) continue;
    const uid = isUid ? ` UID ${record.uid}` : "";
    text += `* ${selection.indexOf(record.uid) + 1} FETCH (FLAGS ${flags}${uid})\r\n`;
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
