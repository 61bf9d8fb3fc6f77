// What the mailboxes hold that a new quota root will cover, counted mailbox by mailbox.

import { TimeSlice } from "../base/time-slice.ts";
import { isBelow, type MailboxName } from "../mailbox/name.ts";
import type { QuotaUsage } from "../mailbox/quota.ts";
import { isInUse, localMail } from "./access.ts";
import type { Session } from "./session.ts";

/** The mailbox `top` and everything below it, but for what roots of their own cover. */
export async function countUsage(session: Session, top: MailboxName): Promise<QuotaUsage> {
  const { store, quota } = localMail(session);
  const { list, clock } = session.server;
  const slice = new TimeSlice(clock);
  const own = list.find(top);
  let bytes = 0;
  let messages = 0;
  for (const entry of [...(own ? [own] : []), ...list.descendants(top)]) {
    const root = quota.rootOf(entry.name)?.name;
    const hasOwnRoot = root !== undefined && isBelow(root, top);
    if (hasOwnRoot || !isInUse(entry) || entry.server !== "") continue;
    const mailbox = await store.open(entry.uniqueId, entry.partition);
    const totals = mailbox.totals();
    mailbox.release();
    bytes += totals.bytes;
    messages += totals.messages;
    if (slice.isOver) await slice.next();
  }
  return { bytes, messages };
}
