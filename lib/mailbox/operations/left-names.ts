// What hangs on names besides the mailboxes themselves, quota roots and what users keep, when names change or go. Everything
// here may be done twice: recovery does it again for an operation that was interrupted.

import { TimeSlice } from "../../base/time-slice.ts";
import type { RenamePair } from "../journal.ts";
import { isBelow, isInbox, isQuarantinedName, type MailboxName, ownerOf } from "../name.ts";
import type { OperationsContext } from "./context.ts";

/** Quota roots and a user's subscriptions go with the names. Returns the roots that changed theirs: old to new. */
export async function followNames(
  context: OperationsContext,
  pairs: readonly RenamePair[],
): Promise<ReadonlyMap<MailboxName, MailboxName>> {
  const renamed = new Map<MailboxName, MailboxName>();
  const slice = new TimeSlice(context.clock);
  for (const { from, to } of pairs) {
    if (slice.isOver) await slice.next();
    if (context.list.find(from) !== undefined) continue; // made anew meanwhile
    // A root whose children stay behind stays with them.
    if (context.quota.find(from) !== undefined && !context.list.hasDescendants(from)) {
      await context.quota.rename(from, to);
      renamed.set(from, to);
    }
    if (isInbox(from)) await followUser(context, from, to);
  }
  return renamed;
}

async function followUser(context: OperationsContext, from: MailboxName, to: MailboxName): Promise<void> {
  if (isQuarantinedName(to, context.settings.deletedprefix)) return; // an administrator decides about the rest
  if (!isInbox(to)) return forgetUser(context, from);
  await context.subscriptions.renameUser(ownerOf(from)!, ownerOf(to)!, context.hasVirtualDomains);
  await context.annotations?.renameUser(ownerOf(from)!, ownerOf(to)!);
}

/** What goes with a mailbox that was removed for good; all that was a user's when it was his INBOX. */
export async function forgetName(context: OperationsContext, name: MailboxName): Promise<void> {
  if (!context.list.hasDescendants(name)) await context.quota.remove(name);
  if (isInbox(name)) await forgetUser(context, name);
}

async function forgetUser(context: OperationsContext, inbox: MailboxName): Promise<void> {
  await context.subscriptions.removeUser(ownerOf(inbox)!);
  await context.annotations?.removeUser(ownerOf(inbox)!);
  for (const root of [...context.quota.roots()]) {
    if (root.name === inbox || isBelow(root.name, inbox)) await context.quota.remove(root.name);
  }
}
