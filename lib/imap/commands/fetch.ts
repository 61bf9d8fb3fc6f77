// FETCH and UID FETCH (RFC 3501 §6.4.5, RFC 7162 §3.1.4, §3.2.6).

import { Bad } from "../../base/fault.ts";
import { enableCondstore, hasQresync } from "../condstore.ts";
import { fetchMessages } from "../fetch/fetch-messages.ts";
import { partialRanges } from "../fetch/partial-ranges.ts";
import { changedRanges, sendVanished, uidRanges } from "../fetch/resync.ts";
import { asksForModSeqs, type FetchArgs, itemsOf, readFetch } from "../parse/fetch.ts";
import type { FetchModifiers } from "../parse/fetch-modifiers.ts";
import { resolveInView } from "../parse/sequence.ts";
import { toSelectedNoting } from "../pass-on.ts";
import { type Row, row, selected } from "../row.ts";
import { expungeIssued, localSelection } from "../selected.ts";
import type { Session } from "../session.ts";

export const fetchRow = makeRow(false);
export const uidFetchRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return row<FetchArgs>({
    state: "selected",
    ...(isUid ? {} : { usesSequenceNumbers: true }),
    args: readFetch,
    at: selected,
    passesTo: toSelectedNoting(readFetch, asksForModSeqs),
    async run(session, args) {
      const { set, modifiers } = args;
      requireAllowed(session, modifiers, isUid);
      if (asksForModSeqs(args)) enableCondstore(session);
      const selection = localSelection(session);
      const all = resolveInView(set, selection, isUid);
      const { changedSince: since, partial, wantsVanished } = modifiers;
      if (since !== undefined && wantsVanished)
        await sendVanished(session, selection, since, uidRanges(set, selection));
      const changed = since === undefined ? all : changedRanges(session, selection, since, all);
      const ranges = partial ? partialRanges(changed, partial) : changed;
      const isComplete = await fetchMessages(session, selection, ranges, itemsOf(args), isUid);
      return isComplete || isUid ? undefined : expungeIssued;
    },
  });
}

function requireAllowed(
  session: Session,
  { partial, changedSince, wantsVanished }: FetchModifiers,
  isUid: boolean,
): void {
  if (partial && !isUid) throw new Bad("PARTIAL is for UID FETCH only");
  if (!wantsVanished) return;
  if (!isUid || changedSince === undefined) throw new Bad("VANISHED is for UID FETCH with CHANGEDSINCE only");
  if (!hasQresync(session)) throw new Bad("VANISHED needs ENABLE QRESYNC");
}
