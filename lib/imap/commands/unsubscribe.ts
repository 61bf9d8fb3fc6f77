// UNSUBSCRIBE (RFC 3501 §6.3.7): a name that is not subscribed is fine, as with Cyrus.

import { localMail } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { unsubscribePlan } from "../plans/subscribe.ts";
import { planned, row } from "../row.ts";

export const unsubscribeRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: planned(unsubscribePlan),
  async run(session, { mailbox }) {
    await localMail(session).subscriptions.remove(session.user.user, session.namespace.toInternal(mailbox));
    return undefined;
  },
});
