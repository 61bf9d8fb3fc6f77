// STATUS (RFC 3501 §6.3.10): numbers of a mailbox that is not opened for it; nothing becomes less recent.

import { TimeSlice } from "../../base/time-slice.ts";
import { Right } from "../../mailbox/acl.ts";
import type { Place } from "../../mailbox/place.ts";
import { type Mailbox, SystemFlags, type Uid } from "../../mailbox/store.ts";
import { formatAstring } from "../../wire/writer.ts";
import { findHere, localMail, requireRights } from "../access.ts";
import { type StatusArgs, type StatusItem, statusArgs } from "../parse/status.ts";
import { toNamed } from "../pass-on.ts";
import { followsReferrals, referElsewhere } from "../referral.ts";
import { byMailbox, row } from "../row.ts";
import type { Session } from "../session.ts";

const toStatusOf = toNamed(statusArgs);

export const statusRow = row<StatusArgs>({
  state: "authenticated",
  args: statusArgs,
  at: byMailbox("mailbox", refer),
  passesTo: (session, command) => (isReferred(session) ? undefined : toStatusOf(session, command)),
  async run(session, { mailbox: external, items }) {
    const entry = findHere(session, external);
    requireRights(session, entry, Right.read);
    const mailbox = await localMail(session).store.open(entry.uniqueId, entry.partition);
    try {
      const pairs: string[] = [];
      for (const item of items) pairs.push(`${item} ${await readers[item](mailbox, session)}`);
      session.untagged(`STATUS ${formatAstring(session.namespace.toExternal(entry.name))} (${pairs.join(" ")})`);
    } finally {
      mailbox.release();
    }
    return undefined;
  },
});

/** Not by default: many clients ask for the STATUS of all their mailboxes and would open a connection for each. */
function isReferred(session: Session): boolean {
  return session.server.config.proxyd_allow_status_referral && followsReferrals(session);
}

function refer(session: Session, place: Place, external: string): void {
  if (isReferred(session)) referElsewhere(session, place, external);
}

const readers: Readonly<Record<StatusItem, (mailbox: Mailbox, session: Session) => number | Promise<number>>> = {
  MESSAGES: (mailbox) => mailbox.totals().messages,
  RECENT: (mailbox) => recentCount(mailbox),
  UIDNEXT: (mailbox) => mailbox.totals().uidNext,
  UIDVALIDITY: (mailbox) => mailbox.totals().uidValidity,
  UNSEEN: (mailbox, session) => mailbox.unseen(session.user.user).count,
  DELETED: (mailbox) => mailbox.totals().deleted,
  "DELETED-STORAGE": (mailbox, session) => deletedOctets(mailbox, session),
};

function recentCount(mailbox: Mailbox): number {
  const first = mailbox.takeRecent(false);
  const uids = mailbox.uids();
  let count = 0;
  while (count < uids.length && uids[uids.length - 1 - count]! >= first) count += 1;
  return count;
}

/** What EXPUNGE would free. Reads every record: only when there is something to find. */
async function deletedOctets(mailbox: Mailbox, session: Session): Promise<number> {
  if (mailbox.totals().deleted === 0) return 0;
  const slice = new TimeSlice(session.server.clock);
  const uids = Array.from(mailbox.uids(), (uid) => uid as Uid);
  let octets = 0;
  for (let start = 0; start < uids.length; start += recordsPerLook) {
    for (const { flags, size } of mailbox.records(uids.slice(start, start + recordsPerLook), session.user.user)) {
      if (flags.system & SystemFlags.deleted) octets += size;
    }
    if (slice.isOver) await slice.next();
  }
  return octets;
}

const recordsPerLook = 200;
