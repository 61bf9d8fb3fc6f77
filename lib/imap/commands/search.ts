// SEARCH and UID SEARCH (RFC 3501 §6.4.4), with RETURN (RFC 4731) and what it saves (RFC 5182).

import type { Reader } from "../../wire/reader.ts";
import { enableCondstore } from "../condstore.ts";
import { readProgram, type SearchArgs } from "../parse/search.ts";
import { readReturn } from "../parse/search-return.ts";
import { toSelectedNoting } from "../pass-on.ts";
import type { Row } from "../row.ts";
import { row, selected } from "../row.ts";
import { esearchResponse, searchResponse, sendPieces, tagCorrelator } from "../search/answer.ts";
import { resultsOf, search } from "../search/evaluate.ts";
import { mentions } from "../search/key.ts";
import { forgetSaved, saveFound } from "../search/save.ts";
import { localSelection } from "../selected.ts";
import type { Session } from "../session.ts";

export const searchRow = makeRow(false);
export const uidSearchRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return row<SearchArgs>({
    state: "selected",
    ...(isUid ? {} : { usesSequenceNumbers: true }),
    args: readArgs,
    at: selected,
    passesTo: toSelectedNoting(readArgs, asksForModSeqs),
    async run(session, { returns, key }, { tag }) {
      if (mentions(key, "modseq")) enableCondstore(session);
      const selection = localSelection(session);
      const { uids } = selection;
      const found = await search(session, selection, key, returns).catch((fault) => {
        forgetSaved(session, returns, fault);
        throw fault;
      });
      if (returns?.save) saveFound(selection, uids, found, returns);
      const results = resultsOf(found, uids, isUid);
      const response = returns ? esearchResponse(tagCorrelator(tag), isUid, results, returns) : searchResponse(results);
      await sendPieces(session, response);
      return undefined;
    },
  });
}

function readArgs(reader: Reader, session: Session): SearchArgs {
  reader.space();
  const returns = readReturn(reader);
  try {
    return { returns, key: readProgram(reader) };
  } catch (fault) {
    forgetSaved(session, returns, fault);
    throw fault;
  }
}

function asksForModSeqs({ key }: SearchArgs): boolean {
  return mentions(key, "modseq");
}
