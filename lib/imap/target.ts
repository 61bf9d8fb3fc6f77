// The mailbox that APPEND, COPY and MOVE put messages into.

import { No } from "../base/fault.ts";
import { hasRight, Right, type Rights } from "../mailbox/acl.ts";
import { ancestorsOf, type MailboxName, whyNotCreatable } from "../mailbox/name.ts";
import type { Place } from "../mailbox/place.ts";
import type { Mailbox } from "../mailbox/store.ts";
import { localMail, requireRights, rightsOf } from "./access.ts";
import type { Session } from "./session.ts";

/** Where the mailbox is. Throws No("TRYCREATE") when there is none and the user could make it (RFC 9051 §6.3.12). */
export async function locateTarget(session: Session, external: string): Promise<Place> {
  const name = session.namespace.toInternal(external);
  try {
    return await session.server.router.locate(name);
  } catch (fault) {
    if (!(fault instanceof No && fault.code === "NONEXISTENT" && mayCreate(session, name))) throw fault;
    throw new No("TRYCREATE", fault.message);
  }
}

/** The mailbox here that a `locateTarget` found; throws No unless the user may put messages into it. */
export async function openTarget(
  session: Session,
  { entry }: Place,
): Promise<{ readonly mailbox: Mailbox; readonly rights: Rights }> {
  const rights = requireRights(session, entry, Right.insert);
  return { mailbox: await localMail(session).store.open(entry.uniqueId, entry.partition), rights };
}

/** The nearest mailbox above decides (RFC 4314 §4, k); at the top only administrators create. */
function mayCreate(session: Session, name: MailboxName): boolean {
  const { list, config } = session.server;
  if (whyNotCreatable(name, config.deletedprefix) !== undefined) return false;
  if (session.user.isAdmin) return true;
  for (const above of ancestorsOf(name)) {
    const entry = list.find(above);
    if (entry && entry.state !== "deleted") return hasRight(rightsOf(session, entry), Right.createChild);
  }
  return false;
}
