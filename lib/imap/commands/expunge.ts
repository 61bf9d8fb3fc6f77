// EXPUNGE (RFC 3501 §6.4.3). The untagged answers come from the selection, which notices what is gone.

import { expungeDeleted, requireExpunge } from "../expunge.ts";
import { toSelected } from "../pass-on.ts";
import { noArguments, row, selected } from "../row.ts";
import { localSelection } from "../selected.ts";

export const expungeRow = row({
  state: "selected",
  args: noArguments,
  at: selected,
  passesTo: toSelected,
  async run(session) {
    const selection = localSelection(session);
    requireExpunge(session, selection);
    await expungeDeleted(session, selection, selection.uidsAt(0, selection.uids.length));
    const code = selection.announceRemovals(session);
    return code === undefined ? undefined : { code };
  },
});
