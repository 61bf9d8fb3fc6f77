// Changes of the mailbox list that a client asks for: they carry the id of his session, the one of the frontend where he has
// come through one, into the log and to the MUPDATE master.

import { actFor } from "../base/acting-session.ts";
import type { MailboxOperations } from "../mailbox/operations/mailbox-operations.ts";
import { localMail } from "./access.ts";
import type { Session } from "./session.ts";

export function changeList<T>(session: Session, change: (operations: MailboxOperations) => Promise<T>): Promise<T> {
  const { operations } = localMail(session);
  return actFor(session.relaying.origin.sessionId, () => change(operations));
}
