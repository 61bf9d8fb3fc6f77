// ESEARCH (RFC 7377): a search in many mailboxes, whatever is selected. Where the mailboxes are is for plans/esearch.ts.

import { Reader } from "../../wire/reader.ts";
import { Floor } from "../floor.ts";
import { type EsearchArgs, isSelectedOnly, readEsearch } from "../parse/esearch.ts";
import { toSelected } from "../pass-on.ts";
import { esearchPlan } from "../plans/esearch.ts";
import { canMultisearch } from "../plans/esearch-share.ts";
import { planned, row } from "../row.ts";
import { forgetSaved, saveFound } from "../search/save.ts";
import { searchSelected } from "../search/search-mailboxes.ts";
import { localSelection } from "../selected.ts";
import { whileSayingSo } from "../still-working.ts";

export const esearchRow = row<EsearchArgs>({
  state: "authenticated",
  args: readEsearch,
  at: planned(esearchPlan),
  passesTo(session, { frame, argumentsAt }) {
    const remote = toSelected(session);
    if (!remote) return undefined;
    try {
      const args = readEsearch(new Reader(frame, argumentsAt));
      return isSelectedOnly(args.sources) && canMultisearch(remote, args) ? remote : undefined;
    } catch {
      return undefined; // refused the usual way
    }
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
