// Changes of the mailbox list that a client asks for: they carry the id of his session, the one of the frontend where he has
// come through one, into the log and to the MUPDATE master. A whole user, renamed or removed, takes its time.

import { actFor } from "../base/acting-session.ts";
import type { MailboxOperations } from "../mailbox/operations/mailbox-operations.ts";
import { localMail } from "./access.ts";
import type { Session } from "./session.ts";
import { whileSayingSo } from "./still-working.ts";

export function changeList<T>(session: Session, change: (operations: MailboxOperations) => Promise<T>): Promise<T> {
  const { operations } = localMail(session);
  const work = actFor(session.relaying.origin.sessionId, () => change(operations));
  return whileSayingSo(session, work);
}
