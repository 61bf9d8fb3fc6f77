// The mailboxes that the user is subscribed to, wherever his subscriptions are kept (seed 3.3).

import type { MailboxName } from "../mailbox/name.ts";
import { localMail } from "./access.ts";
import { internalIfAny } from "./listing.ts";
import { homeOf } from "./plans/home.ts";
import { askHome } from "./plans/lsub.ts";
import type { Session } from "./session.ts";

/** Names that may be no mailboxes any more. Throws No("UNAVAILABLE") when the server that knows cannot be asked. */
export async function subscribedNames(session: Session): Promise<readonly MailboxName[]> {
  const home = await homeOf(session);
  if (home === "none") return [];
  if (home === "here") return localMail(session).subscriptions.list(session.user.user);
  const names = await askHome(session, home.server, "");
  return names.map((name) => internalIfAny(session, name)).filter((name) => name !== undefined);
}
