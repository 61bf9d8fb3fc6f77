// Takes \Deleted messages out of the selected mailbox, for EXPUNGE, UID EXPUNGE, CLOSE and MOVE.

import { TimeSlice } from "../base/time-slice.ts";
import { Right } from "../mailbox/acl.ts";
import { SystemFlags, type Uid } from "../mailbox/store.ts";
import { denied, localMail } from "./access.ts";
import type { LocalSelection } from "./local-selection.ts";
import { requireWritable } from "./selected.ts";
import type { Session } from "./session.ts";

/** Throws No unless the user may expunge here. */
export function requireExpunge(session: Session, selection: LocalSelection): void {
  requireWritable(selection);
  if (!(selection.rights(session) & Right.expunge)) throw denied();
}

/** Removes those of `uids` that are \Deleted now. */
export async function expungeDeleted(session: Session, selection: LocalSelection, uids: readonly Uid[]): Promise<void> {
  const { mailbox } = selection;
  if (mailbox.totals().deleted === 0) return;
  const slice = new TimeSlice(session.server.clock);
  const doomed: Uid[] = [];
  const sizes = new Map<Uid, number>();
  for (const record of mailbox.records(uids, session.user.user)) {
    if (record.flags.system & SystemFlags.deleted) {
      doomed.push(record.uid);
      sizes.set(record.uid, record.size);
    }
    if (slice.isOver) await slice.next();
  }
  await removeMessages(session, selection, doomed, sizes);
}

/** Removes messages and counts them out of the quota. `announce` tells the client. */
export async function removeMessages(
  session: Session,
  selection: LocalSelection,
  uids: readonly Uid[],
  sizes: ReadonlyMap<Uid, number>,
): Promise<void> {
  if (uids.length === 0) return;
  const { name } = selection.entry(session);
  await session.server.atStep?.("expunge:begin", name);
  const gone = await selection.mailbox.expunge(uids);
  const bytes = gone.reduce((sum, uid) => sum + (sizes.get(uid) ?? 0), 0);
  localMail(session).quota.changed(name, -bytes, -gone.length);
  await session.server.atStep?.("expunge:end", name);
}
