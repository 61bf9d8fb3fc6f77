// DELETE on a backend. Nothing goes before the master has agreed (S22). Delayed, the mailbox gets a name under DELETED and
// cyr_expire removes it one day; immediate, the list entry goes and then the folder.

import { No } from "../../base/fault.ts";
import type { Identity } from "../../sasl/identity.ts";
import type { JournalRecord } from "../journal.ts";
import type { MailboxEntry } from "../list.ts";
import { deletedNameOf, isDeletedName, isInbox, type MailboxName, ownerOf } from "../name.ts";
import { faults, requireRemovable } from "./access.ts";
import { isRefusal, type OperationsContext } from "./context.ts";
import { moveNames, type NameMove } from "./move-names.ts";
import { forgetRoots, noteMoves, noteRemoval } from "./quota-moves.ts";

/** Removes a mailbox; a user's INBOX with everything below. Returns what is gone, under the old names. */
export function removeMailbox(
  context: OperationsContext,
  identity: Identity,
  name: MailboxName,
): Promise<readonly MailboxEntry[]> {
  return context.locks.hold([name], async () => {
    await context.step("delete:verify", name);
    const find = () => withChildrenOfUser(context, requireRemovable(context, identity, name));
    const { delete_mode, deletedprefix } = context.settings;
    const removed = find();
    if (delete_mode === "delayed" && !isDeletedName(name, deletedprefix)) await removeDelayed(context, name, find);
    // The INBOX goes last: as long as something is left, the user is there.
    else for (const entry of [...removed].reverse()) await removeBelow(context, name, entry);
    if (isInbox(name)) await forgetUser(context, name);
    for (const entry of removed) context.log.info("mailbox deleted", { mailbox: entry.name, user: identity.user });
    return removed;
  });
}

/** Removes a mailbox for good, whoever asks: LOCALDELETE and cyr_expire. */
export function purgeMailbox(context: OperationsContext, name: MailboxName): Promise<void> {
  return context.locks.hold([name], async () => {
    const entry = context.list.find(name);
    if (entry === undefined || entry.server !== "") throw faults.nonexistent();
    await removeOne(context, entry);
    context.log.info("mailbox purged", { mailbox: name });
  });
}

function withChildrenOfUser(context: OperationsContext, entry: MailboxEntry): readonly MailboxEntry[] {
  return isInbox(entry.name) ? [entry, ...context.list.descendants(entry.name)] : [entry];
}

/** How often a deletion is dated later because its name under DELETED is taken: by 1, 3, 7 … seconds. */
const maxRedatings = 16;

async function removeDelayed(
  context: OperationsContext,
  name: MailboxName,
  find: () => readonly MailboxEntry[],
): Promise<void> {
  for (let redated = 0; ; redated += 1) {
    const atMs = context.clock.now() + (2 ** redated - 1) * 1000;
    try {
      await noteMoves(context, await moveNames(context, name, () => planDeletion(context, find(), atMs)));
      return;
    } catch (fault) {
      // Another server deleted a mailbox of this name in the same second: ours is dated later.
      if (!(fault instanceof No && fault.code === "ALREADYEXISTS") || redated >= maxRedatings) throw fault;
    }
  }
}

function planDeletion(
  context: OperationsContext,
  entries: readonly MailboxEntry[],
  fromMs: number,
): readonly NameMove[] {
  if (entries.some((entry) => entry.state !== "active" || entry.server !== "")) throw faults.notNow();
  // Deleted twice in one second here: the second is dated later.
  for (let atMs = fromMs; ; atMs += 1000) {
    const moves = entries.map((before) => ({
      before,
      after: { ...before, name: deletedNameOf(before.name, atMs, context.settings.deletedprefix) },
    }));
    if (moves.every(({ after }) => context.list.find(after.name) === undefined)) return moves;
  }
}

/** Locks are always taken downwards: whoever holds a name may wait for one below it. */
function removeBelow(context: OperationsContext, held: MailboxName, entry: MailboxEntry): Promise<void> {
  if (entry.name === held) return removeOne(context, entry);
  return context.locks.hold([entry.name], () => removeOne(context, entry));
}

/** One mailbox, at once. For a caller who holds the lock of its name. */
export async function removeOne(
  context: OperationsContext,
  { name, uniqueId, partition }: MailboxEntry,
): Promise<void> {
  await context.step("delete:begin", name);
  const record = await context.begin(name, { kind: "delete", step: "unregister", uniqueId, partition });
  const entry = context.list.find(name);
  if (entry?.uniqueId !== uniqueId) {
    await context.clear(record);
    throw faults.nonexistent();
  }
  await unregister(context, record, entry);
  const usage = await noteRemoval(context, entry);
  const gone: JournalRecord = { ...record, work: { kind: "delete", step: "spool", uniqueId, partition } };
  try {
    await context.step("delete:commit", name);
    await context.list.change([{ expect: name, uniqueId }, { remove: name }], [{ write: gone }]);
  } catch (fault) {
    await context.undo(record, () => context.activate(entry));
    throw fault;
  }
  usage();
  if (!context.list.hasDescendants(name)) await context.quota.remove(name);
  await context.step("delete:spool", name);
  try {
    await context.store.remove(uniqueId, partition);
  } catch (fault) {
    return context.leave(gone, fault);
  }
  await context.step("delete:finish", name);
  await context.clear(gone);
}

async function unregister(context: OperationsContext, record: JournalRecord, entry: MailboxEntry): Promise<void> {
  await context.step("delete:unregister", entry.name);
  try {
    await context.registrar.remove(entry.name);
  } catch (fault) {
    if (isRefusal(fault)) await context.clear(record);
    else await context.undo(record, () => context.activate(entry)); // the master may have forgotten it: say it again
    throw fault;
  }
}

async function forgetUser(context: OperationsContext, inbox: MailboxName): Promise<void> {
  await context.subscriptions.removeUser(ownerOf(inbox)!);
  await forgetRoots(context, inbox);
}
