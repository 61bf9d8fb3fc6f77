// GETQUOTAROOT (RFC 9208 §4.1.2): the root that covers a mailbox, if any, and how full it is.

import { Right } from "../../mailbox/acl.ts";
import { formatAstring } from "../../wire/writer.ts";
import { findHere, localMail, requireRights } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { toNamed } from "../pass-on.ts";
import { quotaRootName, sendQuota } from "../quota-response.ts";
import { byMailbox, row } from "../row.ts";

export const getQuotaRootRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: byMailbox("mailbox"),
  passesTo: toNamed(mailboxArgs),
  run(session, { mailbox }) {
    const entry = findHere(session, mailbox);
    if (!session.user.isAdmin) requireRights(session, entry, Right.read);
    const root = localMail(session).quota.rootOf(entry.name);
    const name = formatAstring(session.namespace.toExternal(entry.name));
    session.untagged(root ? `QUOTAROOT ${name} ${quotaRootName(session, root)}` : `QUOTAROOT ${name}`);
    if (root) sendQuota(session, root);
    return undefined;
  },
});
