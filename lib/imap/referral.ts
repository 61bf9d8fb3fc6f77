// Referrals (RFC 2193): a client that has shown by RLIST or RLSUB that it follows them is sent to the server that has the
// mailbox, instead of being served through this one (S93, S147–S150).

import { No } from "../base/fault.ts";
import type { Place } from "../mailbox/place.ts";
import { decodeUtf7 } from "../wire/utf7.ts";
import type { Session } from "./session.ts";

/** Throws No("REFERRAL …") when the mailbox is elsewhere and the client would rather go there. */
export function referElsewhere(session: Session, place: Place, external: string): void {
  if (place.kind !== "elsewhere" || !session.understandsReferrals) return;
  if (session.server.config.proxyd_disable_mailbox_referrals) return;
  throw new No(
    `REFERRAL ${formatReferral(place.server, external, session.user.user === "anonymous")}`,
    "Remote mailbox.",
  );
}

/** An IMAP URL (RFC 5092) without user name: the client uses the one it has. Names are UTF-8 in URLs. */
export function formatReferral(server: string, external: string, isAnonymous: boolean): string {
  const name = encodeURIComponent((decodeUtf7(external) ?? external).toWellFormed()).replaceAll("%2F", "/");
  return `imap://;AUTH=${isAnonymous ? "anonymous" : "*"}@${server}/${name}`;
}
