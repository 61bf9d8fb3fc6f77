// DELETEACL (RFC 4314 §3.2), here: takes an identifier's entry away; none is fine.

import { changeList } from "../change-list.ts";
import { type IdentifierArgs, identifierArgs } from "../parse/mailbox.ts";
import { changeMailboxPlan } from "../plans/change-mailbox.ts";
import { planned, row } from "../row.ts";

export const deleteAclRow = row<IdentifierArgs>({
  state: "authenticated",
  args: identifierArgs,
  at: planned(changeMailboxPlan),
  async run(session, { mailbox, identifier }) {
    const name = session.namespace.toInternal(mailbox);
    await changeList(session, (operations) => operations.deleteAcl(session.user, name, identifier));
    return undefined;
  },
});
