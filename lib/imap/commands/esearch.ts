// ESEARCH (RFC 7377): a search in many mailboxes, whatever is selected. Where the mailboxes are is for plans/esearch.ts.

import { No } from "../../base/fault.ts";
import type { Remote } from "../../mailbox/place.ts";
import { Reader } from "../../wire/reader.ts";
import { Floor } from "../floor.ts";
import { type EsearchArgs, type EsearchHead, isSelectedOnly, readCriteria, readEsearchHead } from "../parse/esearch.ts";
import { toSelected, toSelectedNoting } from "../pass-on.ts";
import { esearchPlan } from "../plans/esearch.ts";
import { canMultisearch } from "../plans/esearch-share.ts";
import { type Command, planned, row } from "../row.ts";
import { mentions, type SearchKey } from "../search/key.ts";
import { forgetSaved, saveFound } from "../search/save.ts";
import { searchSelected } from "../search/search-mailboxes.ts";
import { localSelection } from "../selected.ts";
import { whileSayingSo } from "../still-working.ts";

export const esearchRow = row<EsearchArgs>({
  state: "authenticated",
  args(reader, session) {
    const head = readEsearchHead(reader);
    try {
      return readCriteria(reader, head);
    } catch (fault) {
      forgetSaved(session, head.returns, fault);
      throw fault;
    }
  },
  at: planned(esearchPlan),
  passesTo(session, command) {
    const remote = toSelected(session);
    return remote && isForSelectedAlone(remote, command) ? noting(session, command) : undefined;
  },
  /** In the selected mailbox alone. */
  async run(session, args, { tag }) {
    const selection = localSelection(session);
    const { uids } = selection;
    const floor = new Floor();
    try {
      const work = searchSelected({ session, tag, args, floor }, selection);
      const found = await whileSayingSo(session, work, () => floor.isFree);
      if (args.returns.save) saveFound(selection, uids, found, args.returns);
    } catch (fault) {
      forgetSaved(session, args.returns, fault);
      throw fault;
    }
    return undefined;
  },
});

const readArgs = (reader: Reader) => readCriteria(reader, readEsearchHead(reader));
const noting = toSelectedNoting(readArgs, ({ key }) => mentions(key, "modseq"));

/** Whether the server of the selected mailbox can answer the command as it is, be it by NO: then it saves nothing. */
function isForSelectedAlone(remote: Remote, { frame, argumentsAt }: Command): boolean {
  const reader = new Reader(frame, argumentsAt);
  try {
    const head = readEsearchHead(reader);
    return isSelectedOnly(head.sources) && canMultisearch(remote, head, keyOf(reader, head));
  } catch {
    return false; // refused the usual way
  }
}

function keyOf(reader: Reader, head: EsearchHead): SearchKey {
  try {
    return readCriteria(reader, head).key;
  } catch (fault) {
    if (fault instanceof No) return { kind: "all" };
    throw fault;
  }
}
