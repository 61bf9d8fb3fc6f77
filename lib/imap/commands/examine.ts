// EXAMINE (RFC 3501 §6.3.2): SELECT that changes nothing, not even what is \Recent (R15).

import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { selectPlan } from "../plans/select.ts";
import { planned, row } from "../row.ts";
import { selectHere } from "./select.ts";

export const examineRow = row<MailboxArgs>({
  state: "authenticated",
  leavesMailbox: true,
  args: mailboxArgs,
  at: planned(selectPlan),
  run: (session, { mailbox }) => selectHere(session, mailbox, true),
});
