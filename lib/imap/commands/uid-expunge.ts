// UID EXPUNGE (RFC 4315 §2.1): EXPUNGE of some messages only.

import type { SequenceSet } from "../../wire/sequence-set.ts";
import { expungeDeleted, requireExpunge } from "../expunge.ts";
import { readSequenceSet, resolveInView } from "../parse/sequence.ts";
import { toSelected } from "../pass-on.ts";
import { row, selected } from "../row.ts";
import { localSelection } from "../selected.ts";

export const uidExpungeRow = row<SequenceSet>({
  state: "selected",
  args(reader) {
    reader.space();
    const set = readSequenceSet(reader);
    reader.end();
    return set;
  },
  at: selected,
  passesTo: toSelected,
  async run(session, set) {
    const selection = localSelection(session);
    requireExpunge(session, selection);
    await expungeDeleted(session, selection, selection.uidsIn(resolveInView(set, selection, true)));
    const code = selection.announceRemovals(session);
    return code === undefined ? undefined : { code };
  },
});
