// LSUB where the user's INBOX is elsewhere: his home server has the subscriptions, this server's list knows what is a
// mailbox (S75, S79, S80).

import { requireCompleteList } from "../access.ts";
import { matcherOf } from "../listing.ts";
import type { ListArgs } from "../parse/list.ts";
import type { Answer } from "../row.ts";
import type { Session } from "../session.ts";
import { sendSubscribed } from "../subscribed.ts";
import { subscribedNames } from "../subscribed-names.ts";

export async function lsubPlan(session: Session, args: ListArgs): Promise<Answer | "here"> {
  if (args.pattern === "") return "here";
  requireCompleteList(session);
  sendSubscribed(session, args, await subscribedNames(session, matcherOf(session, args).literal));
  return undefined;
}
