// FETCH and UID FETCH (RFC 3501 §6.4.5).

import { Bad } from "../../base/fault.ts";
import { fetchMessages } from "../fetch/fetch-messages.ts";
import { partialRanges } from "../fetch/partial-ranges.ts";
import { type FetchArgs, readFetch } from "../parse/fetch.ts";
import { resolveInView } from "../parse/sequence.ts";
import { toSelected } from "../pass-on.ts";
import { type Row, row, selected } from "../row.ts";
import { expungeIssued, localSelection } from "../selected.ts";

export const fetchRow = makeRow(false);
export const uidFetchRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return row<FetchArgs>({
    state: "selected",
    ...(isUid ? {} : { usesSequenceNumbers: true }),
    args: readFetch,
    at: selected,
    passesTo: toSelected,
    async run(session, { set, items, modifiers: { partial } }) {
      if (partial && !isUid) throw new Bad("PARTIAL is for UID FETCH only");
      const selection = localSelection(session);
      const all = resolveInView(set, selection, isUid);
      const ranges = partial ? partialRanges(all, partial) : all;
      const isComplete = await fetchMessages(session, selection, ranges, items, isUid);
      return isComplete || isUid ? undefined : expungeIssued;
    },
  });
}
