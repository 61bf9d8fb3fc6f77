// What a session may do with a mailbox by its ACL (RFC 4314 §4). A mailbox that its user may neither look up nor read
// does not exist for him: the answer is the same, word for word (R111).

import { No } from "../base/fault.ts";
import { hasRight, Right, type Rights } from "../mailbox/acl.ts";
import type { MailboxEntry } from "../mailbox/list.ts";
import { MailboxAway } from "../mailbox/place.ts";
import type { LocalMail } from "./server.ts";
import type { Session } from "./session.ts";

export function nonexistent(): No {
  return new No("NONEXISTENT", "Mailbox does not exist");
}

export function denied(): No {
  return new No("NOPERM", "Permission denied");
}

export function rightsOf(session: Session, entry: MailboxEntry): Rights {
  return session.rights.of(entry.name, entry.acl);
}

/** Throws No unless the user holds all of `needed`. */
export function requireRights(session: Session, entry: MailboxEntry, needed: number): Rights {
  const rights = rightsOf(session, entry);
  if (hasRight(rights, needed)) return rights;
  throw rights & (Right.lookup | Right.read) ? denied() : nonexistent();
}

/** Throws No if the user may not know of the mailbox at all; what he may do with it the server that has it decides. */
export function requireKnown(session: Session, entry: MailboxEntry): void {
  if ((rightsOf(session, entry) & (Right.lookup | Right.read | Right.admin)) === 0) throw nonexistent();
}

/** Whether there is a mailbox to open behind the entry, now or when its move is over. */
export function isInUse(entry: MailboxEntry): boolean {
  return entry.state === "active" || entry.state === "moving";
}

/** Whether the user may know of the mailbox: it is in use, part of his view, and he has the l right. */
export function isVisible(session: Session, entry: MailboxEntry): boolean {
  return isInUse(entry) && session.namespace.isShown(entry.name) && hasRight(rightsOf(session, entry), Right.lookup);
}

/** Where the mailbox is, by the name the client gave, if the user may know of it. Asks the master before it says no. */
export async function locateVisible(session: Session, external: string): Promise<MailboxEntry> {
  const { entry } = await session.server.router.locate(session.namespace.toInternal(external));
  requireRights(session, entry, Right.lookup);
  return entry;
}

/** The entry of a mailbox that the dispatcher has already found to be here. */
export function findHere(session: Session, external: string): MailboxEntry {
  const entry = session.server.list.find(session.namespace.toInternal(external));
  if (entry === undefined || entry.state === "deleted") throw nonexistent();
  if (entry.state === "moving") throw new MailboxAway(entry);
  if (entry.state !== "active" || entry.server !== "") throw new No("UNAVAILABLE", "Mailbox is not available now");
  return entry;
}

/** The mail of this server; only rows that run here ask for it. */
export function localMail(session: Session): LocalMail {
  const { local } = session.server;
  if (!local) throw new Error("this server keeps no mailboxes");
  return local;
}

/** Whether this server's list is its own and nobody else's: a backend, or a server alone. */
export function hasOwnListOnly({ server }: Session): boolean {
  return server.local !== undefined && server.config.mupdate_config === "standard";
}

/** A frontend that has not got the whole list yet does not know what is missing (S61). */
export function requireCompleteList(session: Session): void {
  if (hasOwnListOnly(session) || session.server.list.isComplete) return;
  throw new No("UNAVAILABLE", "The mailbox list is not complete yet");
}
