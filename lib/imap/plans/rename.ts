// RENAME: done by the server that has the mailbox, if the new name belongs there, too (S110). Nothing moves between servers
// by another name.

import { No } from "../../base/fault.ts";
import type { MailboxEntry } from "../../mailbox/list.ts";
import { ancestorsOf, type MailboxName } from "../../mailbox/name.ts";
import type { Completion } from "../../mailbox/place.ts";
import { denied, isVisible, requireKnown } from "../access.ts";
import { newMailboxName } from "../new-name.ts";
import type { RenameArgs } from "../parse/rename.ts";
import { referAdministrator } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { changeAt } from "./change-elsewhere.ts";

export async function renamePlan(
  session: Session,
  { from, to, target }: RenameArgs,
  command: Command,
): Promise<Completion | "here"> {
  const { router, list } = session.server;
  const newName = newMailboxName(session, to);
  if (target !== undefined) {
    throw session.user.isAdmin
      ? new No("CANNOT", "RENAME does not move mailboxes to other servers or partitions")
      : denied();
  }
  const place = await router.locate(session.namespace.toInternal(from));
  requireKnown(session, place.entry);
  await router.settle(); // the new name may have been made a moment ago, or have gone
  const taken = list.find(newName);
  if (taken && isVisible(session, taken)) throw new No("ALREADYEXISTS", "Mailbox already exists");
  const parent = nearestParent(session, newName);
  if (parent && parent.server !== place.entry.server) {
    throw new No("CANNOT", "Mailboxes cannot be renamed to below a mailbox of another server");
  }
  const completion = await changeAt(session, command, place);
  if (completion !== "here" && place.kind === "elsewhere" && isForbidden(completion)) {
    referAdministrator(session, place.server, from, to);
  }
  return completion;
}

/**
 * RENAME is always passed on first, as with Cyrus: his own administrator's library does not follow its referral well. A
 * backend says either to an administrator for whom a mere proxy speaks.
 */
function isForbidden({ status, text }: Completion): boolean {
  return status === "NO" && /^\[(NOPERM|NONEXISTENT)\]/i.test(text);
}

function nearestParent({ server }: Session, name: MailboxName): MailboxEntry | undefined {
  for (const ancestor of ancestorsOf(name)) {
    const entry = server.list.find(ancestor);
    if (entry && entry.state !== "deleted") return entry;
  }
  return undefined;
}
