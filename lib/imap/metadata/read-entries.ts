// The annotations (RFC 5464) of a mailbox that is here, or of this server, as one user sees them: what everybody shares, what
// is his alone, and what the server says by itself.

import { hasRight, Right } from "../../mailbox/acl.ts";
import type { MailboxEntry } from "../../mailbox/list.ts";
import { denied, localMail, nonexistent, rightsOf } from "../access.ts";
import type { MetadataQuery } from "../parse/getmetadata.ts";
import type { Session } from "../session.ts";

export interface EntryFound {
  readonly entry: string;
  readonly value: string;
}

/** The folder of entries that the server itself has: nobody sets them. */
export const ownFolder = "/shared/vendor/cmu/cyrus-imapd";

/** What the server says of a mailbox by itself, as Cyrus does. In entry order. */
const ownEntries: readonly (readonly [entry: string, read: (session: Session, mailbox: MailboxEntry) => string])[] = [
  [`${ownFolder}/server`, (session) => session.server.config.servername],
  [`${ownFolder}/uniqueid`, (_session, { uniqueId }) => uniqueId],
];

/** In entry order. `mailbox` undefined asks for the server's. Rights are the caller's business. */
export function readEntries(
  session: Session,
  mailbox: MailboxEntry | undefined,
  query: MetadataQuery,
): readonly EntryFound[] {
  const { annotations } = localMail(session);
  const at = mailbox?.uniqueId ?? "";
  const found: EntryFound[] = [];
  const add = (prefix: string, owner: string) => {
    for (const { entry, value } of annotations.list(at, owner)) found.push({ entry: prefix + entry, value });
  };
  if (query.entries.some((entry) => entry.startsWith("/private"))) add("/private", session.user.user);
  if (query.entries.some((entry) => entry.startsWith("/shared"))) {
    add("/shared", "");
    if (mailbox) for (const [entry, read] of ownEntries) found.push({ entry, value: read(session, mailbox) });
  }
  return found.filter(({ entry }) => isWanted(query, entry));
}

function isWanted({ entries, depth }: MetadataQuery, entry: string): boolean {
  return entries.some((asked) => {
    if (entry === asked) return true;
    if (depth === 0 || !entry.startsWith(`${asked}/`)) return false;
    return depth === "infinity" || !entry.includes("/", asked.length + 1);
  });
}

/** Throws No unless the user may see the annotations of a mailbox (RFC 5464 §3.3). */
export function requireMayRead(session: Session, mailbox: MailboxEntry): void {
  const rights = rightsOf(session, mailbox);
  if (session.user.isAdmin || (hasRight(rights, Right.lookup) && (rights & oneOf) !== 0)) return;
  throw rights & (Right.lookup | Right.read) ? denied() : nonexistent();
}

const oneOf = Right.read | Right.seen | Right.write | Right.insert | Right.post;

/** The same for setting them. What everybody shares takes the right to write, as in Cyrus. */
export function requireMaySet(session: Session, mailbox: MailboxEntry, isShared: boolean): void {
  requireMayRead(session, mailbox);
  if (!isShared || session.user.isAdmin) return;
  const sufficient = Right.write | (session.server.config.acl_admin_implies_write ? Right.admin : 0);
  if ((rightsOf(session, mailbox) & sufficient) === 0) throw denied();
}
