// The name in a CREATE or a RENAME's second argument: it may end in a separator, by which clients say that they will put
// mailboxes below (RFC 3501 §6.3.3).

import { No } from "../base/fault.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { Session } from "./session.ts";

/** Throws No for INBOX, which no client makes. */
export function newMailboxName(session: Session, external: string): MailboxName {
  const { namespace, server } = session;
  const isOpenEnded = external.length > 1 && external.endsWith(namespace.separator);
  const name = namespace.toInternal(isOpenEnded ? external.slice(0, -1) : external);
  if (name === namespace.inbox && namespace.toExternal(name) === "INBOX") {
    throw server.list.find(name)
      ? new No("ALREADYEXISTS", "Mailbox already exists")
      : new No("CANNOT", "INBOX is made by the administrator");
  }
  return name;
}
