// SUBSCRIBE (RFC 3501 §6.3.6).

import { localMail } from "../access.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { subscribePlan } from "../plans/subscribe.ts";
import { planned, row } from "../row.ts";

export const subscribeRow = row<MailboxArgs>({
  state: "authenticated",
  args: mailboxArgs,
  at: planned(subscribePlan),
  async run(session, { mailbox }) {
    await localMail(session).subscriptions.add(session.user.user, session.namespace.toInternal(mailbox));
    return undefined;
  },
});
