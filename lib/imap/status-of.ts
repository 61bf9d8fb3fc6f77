// The STATUS response (RFC 3501 §7.2.4) of a mailbox that is here: for STATUS, and for LIST that asks for it (RFC 5819).

import { TimeSlice } from "../base/time-slice.ts";
import { Right } from "../mailbox/acl.ts";
import type { MailboxEntry } from "../mailbox/list.ts";
import { type Mailbox, SystemFlags, type Uid } from "../mailbox/store.ts";
import { formatAstring } from "../wire/writer.ts";
import { localMail, requireRights } from "./access.ts";
import type { StatusItem } from "./parse/status.ts";
import type { Session } from "./session.ts";

/** "STATUS name (items)". Throws No for who may not read the mailbox. */
export async function statusOf(session: Session, entry: MailboxEntry, items: readonly StatusItem[]): Promise<string> {
  requireRights(session, entry, Right.read);
  const mailbox = await localMail(session).store.open(entry.uniqueId, entry.partition);
  try {
    const pairs: string[] = [];
    for (const item of items) pairs.push(`${item} ${await readers[item](mailbox, session)}`);
    return `STATUS ${formatAstring(session.namespace.toExternal(entry.name))} (${pairs.join(" ")})`;
  } finally {
    mailbox.release();
  }
}

const readers: Readonly<Record<StatusItem, (mailbox: Mailbox, session: Session) => number | Promise<number>>> = {
  MESSAGES: (mailbox) => mailbox.totals().messages,
  RECENT: (mailbox) => recentCount(mailbox),
  UIDNEXT: (mailbox) => mailbox.totals().uidNext,
  UIDVALIDITY: (mailbox) => mailbox.totals().uidValidity,
  UNSEEN: (mailbox, session) => mailbox.unseen(session.user.user).count,
  DELETED: (mailbox) => mailbox.totals().deleted,
  "DELETED-STORAGE": (mailbox, session) => deletedOctets(mailbox, session),
  SIZE: (mailbox) => mailbox.totals().bytes,
  HIGHESTMODSEQ: (mailbox) => mailbox.totals().highestModSeq,
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
