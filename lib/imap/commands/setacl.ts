// SETACL (RFC 4314 §3.1), here: replaces an identifier's rights, or with "+" and "-" changes them.

import { parseRightsChange, type RightsChange } from "../../mailbox/acl.ts";
import { changeList } from "../change-list.ts";
import { type IdentifierArgs, readMailbox } from "../parse/mailbox.ts";
import { changeMailboxPlan } from "../plans/change-mailbox.ts";
import { planned, row } from "../row.ts";

export const setAclRow = row<IdentifierArgs & { readonly change: RightsChange }>({
  state: "authenticated",
  args(reader) {
    reader.space();
    const mailbox = readMailbox(reader);
    reader.space();
    const identifier = reader.astring();
    reader.space();
    const change = parseRightsChange(reader.astring());
    reader.end();
    return { mailbox, identifier, change };
  },
  at: planned(changeMailboxPlan),
  async run(session, { mailbox, identifier, change }) {
    const name = session.namespace.toInternal(mailbox);
    await changeList(session, (operations) => operations.setAcl(session.user, name, identifier, change));
    return undefined;
  },
});
