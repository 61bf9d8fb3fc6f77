// CLOSE (RFC 3501 §6.4.2): expunges without a word, if the user may, and leaves the mailbox.

import { Right } from "../../mailbox/acl.ts";
import { expungeDeleted } from "../expunge.ts";
import { noArguments, row, selected } from "../row.ts";
import { localSelection } from "../selected.ts";

export const closeRow = row({
  state: "selected",
  args: noArguments,
  at: selected,
  async run(session) {
    const selection = localSelection(session);
    if (!selection.isReadOnly && selection.rights(session) & Right.expunge) {
      await expungeDeleted(session, selection, selection.uidsAt(0, selection.uids.length));
    }
    session.deselect();
    return undefined;
  },
  afterRelay: (session) => session.deselect(),
});
