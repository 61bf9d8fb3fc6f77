// Where a user's subscriptions are: at the server of his INBOX (seed 3.3).

import { No } from "../../base/fault.ts";
import { MailboxAway } from "../../mailbox/place.ts";
import type { Session } from "../session.ts";

export type Home = "here" | { readonly server: string };

/** "none" for a user without an INBOX anywhere, such as an administrator: he has no subscriptions. */
export async function homeOf(session: Session): Promise<Home | "none"> {
  try {
    return await session.server.router.home(session.user.user);
  } catch (fault) {
    if (fault instanceof MailboxAway) throw new No(fault.code, fault.message); // a referral would name INBOX
    if (fault instanceof No && (fault.code === "NONEXISTENT" || fault.code === "CANNOT")) return "none";
    throw fault;
  }
}

/** Throws No for a user without an INBOX. */
export async function requireHome(session: Session): Promise<Home> {
  const home = await homeOf(session);
  if (home === "none") throw new No("CANNOT", "Subscriptions are kept with INBOX, and you have none");
  return home;
}
