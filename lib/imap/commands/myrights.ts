// MYRIGHTS (RFC 4314 §3.5): the user's own rights, which he may ask with any right that lets him know of the mailbox.

import { formatRights, Right } from "../../mailbox/acl.ts";
import { formatAstring } from "../../wire/writer.ts";
import { nonexistent, rightsOf } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { here, row } from "../row.ts";

// RFC 4314 §4, table: "l", or any of the others.
const sufficient = Right.lookup | Right.read | Right.insert | Right.createChild | Right.deleteMailbox | Right.admin;

export const myRightsRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: here,
  async run(session, { mailbox }) {
    const { entry } = await session.server.router.locate(session.namespace.toInternal(mailbox));
    const rights = rightsOf(session, entry);
    if ((rights & sufficient) === 0) throw nonexistent();
    session.untagged(`MYRIGHTS ${formatAstring(session.namespace.toExternal(entry.name))} ${formatRights(rights)}`);
    return undefined;
  },
});
