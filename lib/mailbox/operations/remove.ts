// DELETE on a backend. Nothing goes before the master has agreed (S22). Delayed, the mailbox gets a name under DELETED and
// cyr_expire removes it one day; immediate, the list entry goes and then the folder.

import type { Identity } from "../../sasl/identity.ts";
import type { JournalRecord } from "../journal.ts";
import type { MailboxEntry } from "../list.ts";
import { deletedNameOf, isDeletedName, isInbox, type MailboxName } from "../name.ts";
import { faults, requireRemovable } from "./access.ts";
import { forEachAtOnce, isRefusal, type OperationsContext } from "./context.ts";
import { datedMoves, withFreeDate } from "./dated-names.ts";
import { forgetName } from "./left-names.ts";
import { moveNames } from "./move-names.ts";
import { noteMoves, noteRemoval } from "./quota-moves.ts";

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
    else await removeNow(context, removed);
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

/** Each opens a folder and syncs it: more at once hold the loop and gain nothing. */
const removedAtOnce = 4;

async function removeDelayed(
  context: OperationsContext,
  name: MailboxName,
  find: () => readonly MailboxEntry[],
): Promise<void> {
  const nameAt = (each: MailboxName, atMs: number) => deletedNameOf(each, atMs, context.settings.deletedprefix);
  const goesAlone = context.settings.delete_without_mupdate;
  await withFreeDate(context, async (fromMs) => {
    const plan = () => datedMoves(context, find(), fromMs, nameAt);
    await noteMoves(context, await moveNames(context, name, plan, { keepsOldNames: false, goesAlone }));
  });
}

/** A mailbox, or a user's INBOX and all that is below it. The INBOX goes last: as long as something is left, the user is there. */
async function removeNow(context: OperationsContext, [first, ...below]: readonly MailboxEntry[]): Promise<void> {
  // Locks are always taken downwards: whoever holds a name may wait for one below it.
  const remove = (entry: MailboxEntry) => context.locks.hold([entry.name], () => removeOne(context, entry));
  await forEachAtOnce(below.reverse(), remove, removedAtOnce);
  if (first === undefined) return;
  await removeOne(context, first);
  await forgetName(context, first.name);
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
  const untold = await deactivate(context, record, entry);
  const usage = await noteRemoval(context, entry);
  const gone: JournalRecord = { ...record, work: { kind: "delete", step: "spool", uniqueId, partition } };
  await context.step("delete:commit", name);
  try {
    await context.list.change([{ expect: name, uniqueId }, { remove: name }], [{ write: gone }]);
  } catch (fault) {
    await context.leave(record, fault); // the master hears again that the mailbox is there
    throw fault;
  }
  usage();
  if (!context.list.hasDescendants(name)) await context.quota.remove(name);
  await finish(context, gone, entry, untold);
}

/**
 * Nobody shall see the mailbox from here on, and nobody else have its name before it is gone: the master keeps that
 * reserved. Returns why the master does not know, when that is no reason to stop.
 */
async function deactivate(context: OperationsContext, record: JournalRecord, entry: MailboxEntry): Promise<unknown> {
  await context.step("delete:deactivate", entry.name);
  try {
    await context.registrar.deactivate(entry.name, context.locationOf(entry));
    return undefined;
  } catch (fault) {
    if (context.settings.delete_without_mupdate && !isRefusal(fault)) return fault;
    await context.giveUp(record, fault);
    throw fault;
  }
}

/** The mailbox is gone for everyone here. A master that cannot be told now is told later. */
async function finish(
  context: OperationsContext,
  gone: JournalRecord,
  { name, uniqueId, partition }: MailboxEntry,
  untold: unknown,
): Promise<void> {
  let problem = untold;
  await context.step("delete:remove", name);
  try {
    if (problem === undefined) await context.release(name);
  } catch (fault) {
    problem = fault;
  }
  await context.step("delete:spool", name);
  try {
    await context.store.remove(uniqueId, partition);
  } catch (fault) {
    problem = fault;
  }
  if (problem !== undefined) return context.leave(gone, problem);
  await context.step("delete:finish", name);
  await context.clear(gone);
}
