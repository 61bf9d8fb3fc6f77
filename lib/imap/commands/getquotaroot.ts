// GETQUOTAROOT (RFC 9208 §4.1.2): the root that covers a mailbox, if any, and how full it is.

import { Right } from "../../mailbox/acl.ts";
import { formatAstring } from "../../wire/writer.ts";
import { findHere, localMail, requireRights } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { toNamed } from "../pass-on.ts";
import { quotaRootName, sendQuota } from "../quota-response.ts";
import { referAdministrator } from "../referral.ts";
import { byMailbox, row } from "../row.ts";

const toRootOf = toNamed(mailboxArgs);

export const getQuotaRootRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  // Administrators may ask for the quotas of mailboxes that they cannot read.
  at: byMailbox("mailbox", (session, place, external) => {
    if (place.kind === "elsewhere") referAdministrator(session, place.server, external);
  }),
  passesTo: (session, command) => (session.user.isAdmin ? undefined : toRootOf(session, command)),
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
