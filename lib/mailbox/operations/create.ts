// CREATE on a backend, in the order of seed 3.7: check, write down, reserve at the master, make the folder, enter it in
// the list, activate at the master, cross out. A crash before the list entry undoes everything at the next start, one
// after it finishes it (S123–S130).

import { No } from "../../base/fault.ts";
import type { Identity } from "../../sasl/identity.ts";
import type { JournalRecord } from "../journal.ts";
import type { MailboxEntry } from "../list.ts";
import type { MailboxName } from "../name.ts";
import { faults, type NewPlace, requireCreatable, requirePartition } from "./access.ts";
import { isRefusal, type OperationsContext } from "./context.ts";

export function createMailbox(
  context: OperationsContext,
  identity: Identity,
  name: MailboxName,
  partition?: string,
): Promise<MailboxEntry> {
  return context.locks.hold([name], () => createHeld(context, identity, name, partition));
}

/** As `createMailbox`, for a caller who holds the name's lock. */
export async function createHeld(
  context: OperationsContext,
  identity: Identity,
  name: MailboxName,
  wantedPartition?: string,
): Promise<MailboxEntry> {
  const verify = (): NewPlace => {
    const place = requireCreatable(context, identity, name);
    return { ...place, partition: requirePartition(context, identity, wantedPartition, place.partition) };
  };
  const uniqueId = context.newUniqueId();
  await context.step("create:verify", name);
  const { partition, inboxElsewhere } = verify();
  if (inboxElsewhere && !(await context.registrar.find(inboxElsewhere))) throw faults.denied();
  await context.step("create:begin", name);
  const record = await context.begin(name, { kind: "create", step: "reserve", uniqueId, partition });
  let entry: MailboxEntry;
  try {
    // Again: another process may have made it, or taken the right away, before our record stood.
    const { acl } = verify();
    entry = { name, uniqueId, server: "", partition, acl, state: "active", uidValidity: context.newUidValidity() };
  } catch (fault) {
    await context.clear(record);
    throw fault;
  }
  await reserve(context, record, entry);
  await commit(context, record, entry);
  await announce(context, record, entry);
  context.log.info("mailbox created", { mailbox: name, partition, user: identity.user });
  return entry;
}

async function reserve(context: OperationsContext, record: JournalRecord, entry: MailboxEntry): Promise<void> {
  await context.step("create:reserve", entry.name);
  try {
    await context.registrar.reserve(entry.name, context.locationOf(entry));
  } catch (fault) {
    await context.giveUp(record, fault);
    throw fault;
  }
}

async function commit(context: OperationsContext, record: JournalRecord, entry: MailboxEntry): Promise<void> {
  const { name, uniqueId, partition, uidValidity } = entry;
  try {
    await context.step("create:spool", name);
    await context.store.create(uniqueId, partition, uidValidity);
    await context.step("create:commit", name);
    const tombstone = context.list.find(name)?.state === "deleted" ? [{ remove: name }] : [];
    const next: JournalRecord = { ...record, work: { kind: "create", step: "activate", uniqueId, partition } };
    await context.list.change(
      [...tombstone, { insert: entry }],
      [context.registrar.isShared ? { write: next } : { clear: name }],
    );
  } catch (fault) {
    await undoCreate(context, record, entry);
    throw fault;
  }
}

/** The mailbox exists. When the master cannot be told now, it is told later: until then only this server has it. */
async function announce(context: OperationsContext, record: JournalRecord, entry: MailboxEntry): Promise<void> {
  if (!context.registrar.isShared) return;
  const { name, uniqueId, partition } = entry;
  const committed: JournalRecord = { ...record, work: { kind: "create", step: "activate", uniqueId, partition } };
  await context.step("create:activate", name);
  try {
    await context.activate(entry);
  } catch (fault) {
    if (!isRefusal(fault)) return context.leave(committed, fault);
    await context.list.change([{ expect: name, uniqueId }, { remove: name }], [{ write: record }]);
    await undoCreate(context, record, entry);
    throw new No("CANNOT", "The mailbox cannot be published", { cause: fault });
  }
  await context.step("create:finish", name);
  await context.clear(committed);
}

async function undoCreate(context: OperationsContext, record: JournalRecord, entry: MailboxEntry): Promise<void> {
  await context.undo(record, async () => {
    await context.removeFolder(entry.uniqueId, entry.partition);
    await context.release(entry.name);
  });
}
