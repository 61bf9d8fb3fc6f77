// GETACL (RFC 4314 §3.3). A frontend answers from its list: MUPDATE carries the ACLs (S15).

import { formatRights, parseAcl, Right } from "../../mailbox/acl.ts";
import { formatAstring } from "../../wire/writer.ts";
import { locateVisible, requireRights } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { here, row } from "../row.ts";

export const getAclRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: here,
  async run(session, { mailbox }) {
    const entry = await locateVisible(session, mailbox);
    requireRights(session, entry, Right.admin);
    const pairs = parseAcl(entry.acl).map(
      ({ identifier, rights }) => ` ${formatAstring(identifier)} ${formatRights(rights)}`,
    );
    session.untagged(`ACL ${formatAstring(session.namespace.toExternal(entry.name))}${pairs.join("")}`);
    return undefined;
  },
});
