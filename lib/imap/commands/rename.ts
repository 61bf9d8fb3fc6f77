// RENAME (RFC 3501 §6.3.5), here.

import { changeList } from "../change-list.ts";
import { newMailboxName } from "../new-name.ts";
import { type RenameArgs, renameArgs } from "../parse/rename.ts";
import { renamePlan } from "../plans/rename.ts";
import { planned, row } from "../row.ts";

export const renameRow = row<RenameArgs>({
  state: "authenticated",
  args: renameArgs,
  at: planned(renamePlan),
  async run(session, { from, to }) {
    const before = session.namespace.toInternal(from);
    const after = newMailboxName(session, to);
    await changeList(session, (operations) => operations.rename(session.user, before, after));
    return undefined;
  },
});
