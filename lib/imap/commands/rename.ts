// RENAME (RFC 3501 §6.3.5), here.

import { localMail } from "../access.ts";
import { newMailboxName } from "../new-name.ts";
import { type RenameArgs, renameArgs } from "../parse/rename.ts";
import { renamePlan } from "../plans/rename.ts";
import { planned, row } from "../row.ts";

export const renameRow = row<RenameArgs>({
  state: "authenticated",
  args: renameArgs,
  at: planned(renamePlan),
  async run(session, { from, to }) {
    const { operations } = localMail(session);
    await operations.rename(session.user, session.namespace.toInternal(from), newMailboxName(session, to));
    return undefined;
  },
});
