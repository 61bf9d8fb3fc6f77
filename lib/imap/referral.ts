// Referrals (RFC 2193): a client that has shown by RLIST or RLSUB that it follows them is sent to the server that has the
// mailbox, instead of being served through this one (S93, S147–S150). Administrators are sent there with what no proxy has
// the power to do (S74, S151). What changes a user's own mailboxes is always passed on (S153).

import { No } from "../base/fault.ts";
import { Right } from "../mailbox/acl.ts";
import { type Completion, MailboxAway, type Place } from "../mailbox/place.ts";
import { decodeUtf7 } from "../wire/utf7.ts";
import { nonexistent, requireKnown, rightsOf } from "./access.ts";
import type { Session } from "./session.ts";

/** Whether this client is referred at all. */
export function followsReferrals({ understandsReferrals, server }: Session): boolean {
  return understandsReferrals && !server.config.proxyd_disable_mailbox_referrals;
}

/** Throws No("REFERRAL …") when the mailbox is elsewhere and the client would rather go there. */
export function referElsewhere(session: Session, place: Place, external: string): void {
  if (place.kind !== "elsewhere" || !canRefer(session, place.server)) return;
  requireKnown(session, place.entry);
  throw referral(session, place.server, external);
}

/**
 * Throws No("REFERRAL …") for an administrator who changes the mailbox list of another server, or its quotas. After his
 * return he must see what he did: the list catches up before his next command. RENAME names two mailboxes.
 */
export function referAdministrator(session: Session, server: string, ...externals: readonly string[]): void {
  if (!session.user.isAdmin || !canRefer(session, server)) return;
  session.relaying.hasReferredChange = true;
  throw referral(session, server, ...externals);
}

/**
 * The fault as this client may hear it: of a mailbox that is away, where it is; and what another server's referral says to
 * those who never asked for one (S147): that the mailbox is not to be had now.
 */
export function withReferral(session: Session, fault: unknown): unknown {
  if (fault instanceof MailboxAway) {
    const { entry } = fault;
    if ((rightsOf(session, entry) & Right.lookup) === 0) return nonexistent();
    if (!canRefer(session, entry.server)) return fault;
    return referral(session, entry.server, session.namespace.toExternal(entry.name));
  }
  const isUnasked = fault instanceof No && fault.code?.startsWith("REFERRAL ") && !followsReferrals(session);
  return isUnasked ? new No("UNAVAILABLE", away) : fault;
}

/** The same of another server's answer. */
export function withoutUnaskedReferral(session: Session, completion: Completion): Completion {
  const isUnasked = completion.status === "NO" && /^\[REFERRAL /i.test(completion.text) && !followsReferrals(session);
  return isUnasked ? { status: "NO", text: `[UNAVAILABLE] ${away}` } : completion;
}

const away = "Mailbox has been moved to another server";

/** A referral to ourselves would lead the client in a circle. */
function canRefer(session: Session, server: string): boolean {
  return followsReferrals(session) && server !== "" && server !== session.server.config.servername;
}

function referral({ user }: Session, server: string, ...externals: readonly string[]): No {
  const urls = externals.map((external) => formatReferral(server, external, user.user === "anonymous"));
  return new No(`REFERRAL ${urls.join(" ")}`, "Remote mailbox.");
}

/** An IMAP URL (RFC 5092) without user name: the client uses the one it has. Names are UTF-8 in URLs. */
export function formatReferral(server: string, external: string, isAnonymous: boolean): string {
  const name = encodeURIComponent((decodeUtf7(external) ?? external).toWellFormed()).replaceAll("%2F", "/");
  return `imap://;AUTH=${isAnonymous ? "anonymous" : "*"}@${server}/${name}`;
}
