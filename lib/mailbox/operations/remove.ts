// DELETE on a backend. Nothing goes before the master has agreed (S22). Delayed, the mailbox gets a name under DELETED and
// cyr_expire removes it one day; immediate, the list entry goes and then the folder.

import { mapInSlices } from "../../base/time-slice.ts";
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
    await mapInSlices(context.clock, removed, (entry) => {
      context.log.info("mailbox deleted", { mailbox: entry.name, user: identity.user });
    });
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

/** Mailboxes of a user that are removed together: each step of all of them is one sync of the list. */
const removedTogether = 64;
/** Each is a few trips to the disk. */
const foldersAtOnce = 16;

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
  for (let end = below.length; end > 0; end -= removedTogether) {
    const entries = below.slice(Math.max(0, end - removedTogether), end);
    const names = entries.map(({ name }) => name);
    // Locks are always taken downwards: whoever holds a name may wait for one below it.
    await context.locks.hold(names, () => removeTogether(context, entries));
  }
  if (first === undefined) return;
  await removeOne(context, first);
  await forgetName(context, first.name);
}

/** One mailbox, at once. For a caller who holds the lock of its name. */
export async function removeOne(context: OperationsContext, entry: MailboxEntry): Promise<void> {
  await removeTogether(context, [entry]);
}

/** What is known of a mailbox while it is being removed. */
interface Removal {
  readonly entry: MailboxEntry;
  readonly record: JournalRecord;
  /** Why something is left to be done later. */
  problem: unknown;
}

/** Each has a record of its own: whoever finishes one after a crash need not know of the others. */
async function removeTogether(context: OperationsContext, entries: readonly MailboxEntry[]): Promise<void> {
  await stepAll(context, "delete:begin", entries);
  const removals = await begin(context, entries);
  await deactivate(context, removals);
  const usages: (() => void)[] = [];
  await forEachAtOnce(entries, async (entry) => void usages.push(await noteRemoval(context, entry)), foldersAtOnce);
  await commit(context, removals);
  for (const note of usages) note();
  for (const { name } of entries) if (!context.list.hasDescendants(name)) await context.quota.remove(name);
  await finish(context, removals);
}

async function stepAll(context: OperationsContext, step: string, entries: readonly MailboxEntry[]): Promise<void> {
  for (const { name } of entries) await context.step(step, name);
}

async function begin(context: OperationsContext, entries: readonly MailboxEntry[]): Promise<readonly Removal[]> {
  const records = await context.beginAll(
    entries.map(({ name, uniqueId, partition }) => ({
      name,
      work: { kind: "delete", step: "unregister", uniqueId, partition },
    })),
  );
  if (entries.some(({ name, uniqueId }) => context.list.find(name)?.uniqueId !== uniqueId)) {
    await context.clear(...records);
    throw faults.nonexistent();
  }
  return entries.map((entry, index) => ({ entry, record: records[index]!, problem: undefined }));
}

/**
 * Nobody shall see the mailboxes from here on, and nobody else have their names before they are gone: the master keeps
 * those reserved. Where it is away that is a problem for later if it may be, else nothing is removed.
 */
async function deactivate(context: OperationsContext, removals: readonly Removal[]): Promise<void> {
  await stepAll(context, "delete:deactivate", entriesOf(removals));
  await forEachAtOnce(removals, async (removal) => {
    const { name } = removal.entry;
    removal.problem = await faultOf(context.registrar.deactivate(name, context.locationOf(removal.entry)));
  });
  const failed = removals.filter(({ problem }) => problem !== undefined);
  const goesAlone = context.settings.delete_without_mupdate && !failed.some(({ problem }) => isRefusal(problem));
  if (failed.length === 0 || goesAlone) return;
  const cause = failed[0]!.problem;
  // What the master has refused is as it was. Of the others it hears again that they are there.
  await context.end(
    removals.map(({ record, problem }) => ({ record, problem: isRefusal(problem) ? undefined : (problem ?? cause) })),
  );
  throw cause;
}

async function commit(context: OperationsContext, removals: readonly Removal[]): Promise<void> {
  await stepAll(context, "delete:commit", entriesOf(removals));
  try {
    await context.list.change(
      entriesOf(removals).flatMap(({ name, uniqueId }) => [{ expect: name, uniqueId }, { remove: name }]),
      removals.map((removal) => ({ write: goneRecord(removal) })),
    );
  } catch (fault) {
    // The master hears again that the mailboxes are there.
    await context.end(removals.map(({ record }) => ({ record, problem: fault })));
    throw fault;
  }
}

function goneRecord({ record, entry: { uniqueId, partition } }: Removal): JournalRecord {
  return { ...record, work: { kind: "delete", step: "spool", uniqueId, partition } };
}

/** The mailboxes are gone for everyone here. A master that cannot be told now is told later. */
async function finish(context: OperationsContext, removals: readonly Removal[]): Promise<void> {
  await stepAll(context, "delete:remove", entriesOf(removals));
  await forEachAtOnce(removals, async (removal) => {
    removal.problem ??= await faultOf(context.release(removal.entry.name));
  });
  await stepAll(context, "delete:spool", entriesOf(removals));
  const removeFolder = async (removal: Removal) => {
    const { uniqueId, partition } = removal.entry;
    removal.problem = (await faultOf(context.removeFolder(uniqueId, partition))) ?? removal.problem;
  };
  await forEachAtOnce(removals, removeFolder, foldersAtOnce);
  await stepAll(context, "delete:finish", entriesOf(removals.filter(({ problem }) => problem === undefined)));
  await context.end(removals.map((removal) => ({ record: goneRecord(removal), problem: removal.problem })));
}

function entriesOf(removals: readonly Removal[]): readonly MailboxEntry[] {
  return removals.map(({ entry }) => entry);
}

function faultOf(work: Promise<void>): Promise<unknown> {
  return work.then(
    () => undefined,
    (fault: unknown) => fault,
  );
}
