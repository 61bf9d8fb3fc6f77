// DELETE (RFC 3501 §6.3.4), here.

import { localMail } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { changeMailboxPlan } from "../plans/change-mailbox.ts";
import { planned, row } from "../row.ts";

export const deleteRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: planned(changeMailboxPlan),
  async run(session, { mailbox }) {
    const { operations, subscriptions } = localMail(session);
    const removed = await operations.remove(session.user, session.namespace.toInternal(mailbox));
    if (session.server.config.delete_unsubscribe) {
      for (const { name } of removed) await subscriptions.remove(session.user.user, name);
    }
    return undefined;
  },
});
