// GETQUOTA (RFC 9208 §4.1.1), here: for those who may read the mailbox the root is named after.

import { No } from "../../base/fault.ts";
import { hasRight, Right } from "../../mailbox/acl.ts";
import { localMail, rightsOf } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { getQuotaPlan } from "../plans/quota.ts";
import { sendQuota } from "../quota-response.ts";
import { planned, row } from "../row.ts";

export const getQuotaRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: planned(getQuotaPlan),
  run(session, { mailbox }) {
    const name = session.namespace.toInternal(mailbox);
    const entry = session.server.list.find(name);
    const mayAsk = session.user.isAdmin || (entry && hasRight(rightsOf(session, entry), Right.read));
    const root = mayAsk ? localMail(session).quota.find(name) : undefined;
    if (!root) throw new No("NONEXISTENT", "Quota root does not exist");
    sendQuota(session, root);
    return undefined;
  },
});
