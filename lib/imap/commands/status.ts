// STATUS (RFC 3501 §6.3.10): numbers of a mailbox that is not opened for it; nothing becomes less recent.

import type { Place } from "../../mailbox/place.ts";
import { findHere } from "../access.ts";
import { noteCondstore } from "../condstore.ts";
import { type StatusArgs, statusArgs } from "../parse/status.ts";
import { toNamed } from "../pass-on.ts";
import { followsReferrals, referElsewhere } from "../referral.ts";
import { byMailbox, row } from "../row.ts";
import type { Session } from "../session.ts";
import { statusOf } from "../status-of.ts";

const toStatusOf = toNamed(statusArgs);

export const statusRow = row<StatusArgs>({
  state: "authenticated",
  args: statusArgs,
  at: byMailbox("mailbox", refer),
  passesTo(session, command) {
    noteCondstore(session, command, statusArgs, asksForModSeqs);
    return isReferred(session) ? undefined : toStatusOf(session, command);
  },
  async run(session, { mailbox, items }) {
    await session.relaying.levelSelected();
    session.untagged(await statusOf(session, findHere(session, mailbox), items));
    return undefined;
  },
});

/** RFC 7162 §3.1 */
function asksForModSeqs({ items }: StatusArgs): boolean {
  return items.includes("HIGHESTMODSEQ");
}

/** Not by default: many clients ask for the STATUS of all their mailboxes and would open a connection for each. */
function isReferred(session: Session): boolean {
  return session.server.config.proxyd_allow_status_referral && followsReferrals(session);
}

function refer(session: Session, place: Place, external: string): void {
  if (isReferred(session)) referElsewhere(session, place, external);
}
