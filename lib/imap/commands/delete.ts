// DELETE (RFC 3501 §6.3.4), here.

import { localMail } from "../access.ts";
import { changeList } from "../change-list.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { changeMailboxPlan } from "../plans/change-mailbox.ts";
import { planned, row } from "../row.ts";

export const deleteRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: planned(changeMailboxPlan),
  async run(session, { mailbox }) {
    const { subscriptions } = localMail(session);
    const name = session.namespace.toInternal(mailbox);
    const removed = await changeList(session, (operations) => operations.remove(session.user, name));
    if (session.server.config.delete_unsubscribe) {
      for (const each of removed) await subscriptions.remove(session.user.user, each.name);
    }
    return undefined;
  },
});
