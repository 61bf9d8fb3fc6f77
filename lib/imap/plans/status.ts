// STATUS of a mailbox elsewhere: passed on, also for clients that follow referrals unless proxyd_allow_status_referral is
// set. Many clients ask for the STATUS of all their mailboxes and would open a connection for each.

import type { Completion } from "../../mailbox/place.ts";
import type { MailboxArgs } from "../parse/mailbox.ts";
import { followsReferrals, referElsewhere } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";

/** Whether this session's STATUS commands may be answered with a referral. */
export function mayReferStatus(session: Session): boolean {
  return session.server.config.proxyd_allow_status_referral && followsReferrals(session);
}

export async function statusPlan(
  session: Session,
  { mailbox }: MailboxArgs,
  command: Command,
): Promise<Completion | "here"> {
  const place = await session.server.router.locate(session.namespace.toInternal(mailbox));
  if (place.kind === "here") return "here";
  if (mayReferStatus(session)) referElsewhere(session, place, mailbox);
  return session.relay(command, await session.links.to(place.server));
}
