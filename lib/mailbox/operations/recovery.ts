// What a crash, or a master that went away, left half done. Every journal record is finished or undone by the rules of
// seed 3.7: before the list entry exists an operation is undone, afterwards it is finished. Folders that nothing refers to
// are removed when they are empty; otherwise they get a name in quarantine, where an administrator finds them. Nothing
// that holds mail is removed, and no mailbox stays in two places.

import { describeFault, No } from "../../base/fault.ts";
import { parseDefaultAcl } from "../acl.ts";
import type { JournalRecord, JournalWork } from "../journal.ts";
import type { MailboxEntry, UniqueId } from "../list.ts";
import { type MailboxName, quarantinedNameOf, requireMailboxName } from "../name.ts";
import type { Registration } from "../registrar.ts";
import { forEachAtOnce, isRefusal, type OperationsContext } from "./context.ts";
import { followNames, forgetName } from "./left-names.ts";

export interface RecoveryReport {
  /** Operations finished or undone. */
  readonly settled: readonly MailboxName[];
  /** Operations that wait for the master: `recover` again when it is back. */
  readonly pending: readonly MailboxName[];
  /** Empty folders removed. */
  readonly removedFolders: readonly UniqueId[];
  /** Mailboxes moved out of the way, by their new names. */
  readonly quarantined: readonly MailboxName[];
  /** Folders left alone because they cannot be read or the list is empty. */
  readonly unknownFolders: readonly UniqueId[];
}

/**
 * Settles the journal, except what other living processes are at. Where nobody can tell who lives, only `isStart` takes
 * others' records for left behind: nobody else is at work yet.
 */
export async function settleJournal(
  context: OperationsContext,
  isStart: boolean,
): Promise<{ readonly settled: MailboxName[]; readonly pending: MailboxName[] }> {
  const settled: MailboxName[] = [];
  const pending: MailboxName[] = [];
  let isMasterAway = false;
  for (const record of context.list.journal()) {
    if (!(context.tickets.isOver(record.worker) ?? isStart)) continue;
    if (isMasterAway) {
      pending.push(record.name); // asking again for each would take as many deadlines
      continue;
    }
    try {
      if (await settleRecord(context, record)) settled.push(record.name);
      context.waiting.delete(record.name);
    } catch (fault) {
      tellWaiting(context, record.name, describeFault(fault));
      isMasterAway = fault instanceof No && fault.code === "UNAVAILABLE";
      pending.push(record.name);
    }
  }
  return { settled, pending };
}

/** Once for each reason, however often it is tried again. */
function tellWaiting({ waiting, log }: OperationsContext, mailbox: MailboxName, error: string): void {
  if (waiting.get(mailbox) === error) return;
  waiting.set(mailbox, error);
  log.warning("operation still waits", { mailbox, error });
}

/**
 * Settles one record and crosses it out; false when another process is at it. Rejects when the master cannot be asked: the
 * record stays, for anyone.
 */
export async function settleRecord(context: OperationsContext, record: JournalRecord): Promise<boolean> {
  const { name, work } = record;
  const ticket = context.tickets.issue();
  try {
    if (!(await take(context, record, ticket))) return false;
    await settleTaken(context, record);
  } finally {
    context.tickets.end(ticket);
  }
  context.log.notice("unfinished operation settled", { mailbox: name, operation: work.kind, step: work.step });
  return true;
}

async function take(context: OperationsContext, record: JournalRecord, ticket: string): Promise<boolean> {
  try {
    await context.list.change([], [{ take: { ...record, worker: ticket }, from: record.worker }]);
    return true;
  } catch (fault) {
    if (fault instanceof No && fault.code === "INUSE") return false;
    throw fault;
  }
}

async function settleTaken(context: OperationsContext, record: JournalRecord): Promise<void> {
  try {
    await settleWork(context, record.name, record.work);
    await context.clear(record);
  } catch (fault) {
    await context.list.change([], [{ write: { ...record, worker: "" } }]);
    context.onPending();
    throw fault;
  }
}

function settleWork(context: OperationsContext, name: MailboxName, work: JournalWork): Promise<void> {
  switch (work.kind) {
    case "create":
      return settleCreate(context, name, work);
    case "delete":
      return settleDelete(context, name, work);
    case "rename":
      return settleRename(context, work);
    case "acl":
      return publish(context, context.list.find(name));
  }
}

type Work<Kind extends JournalWork["kind"]> = Extract<JournalWork, { kind: Kind }>;

async function settleCreate(context: OperationsContext, name: MailboxName, work: Work<"create">): Promise<void> {
  const entry = context.list.find(name);
  if (entry?.uniqueId === work.uniqueId) return publish(context, entry);
  if (context.list.findById(work.uniqueId) === undefined) await context.removeFolder(work.uniqueId, work.partition);
  await context.release(name);
}

async function settleDelete(context: OperationsContext, name: MailboxName, work: Work<"delete">): Promise<void> {
  const entry = context.list.find(name);
  // The entry is still here: the client never heard OK. The mailbox stays, and the master hears of it again.
  if (entry?.uniqueId === work.uniqueId) return publish(context, entry);
  if (entry === undefined) {
    await context.release(name);
    await forgetName(context, name);
  }
  if (context.list.findById(work.uniqueId) === undefined) await context.removeFolder(work.uniqueId, work.partition);
}

async function settleRename(context: OperationsContext, { step, pairs }: Work<"rename">): Promise<void> {
  if (step === "reserve") return forEachAtOnce(pairs, ({ to }) => context.release(to));
  await forEachAtOnce(pairs, ({ to }) => publish(context, context.list.find(to)));
  await forEachAtOnce(pairs, ({ from }) => context.release(from));
  await followNames(context, pairs);
}

/** Tells the master what we have. Where another server has the name, ours goes out of the way. */
async function publish(context: OperationsContext, entry: MailboxEntry | undefined): Promise<void> {
  if (entry === undefined || entry.state !== "active" || entry.server !== "") return;
  const { name } = entry;
  try {
    // ACTIVATE takes a name from whoever has it, RESERVE does not. Another server may have it: the master's list was lost,
    // or an old copy of it came back.
    const known = await context.registrar.find(name);
    if (known === undefined) await context.registrar.reserve(name, context.locationOf(entry));
    else if (!context.isOurs(known.location)) return await giveWay(context, entry, known);
    await context.activate(entry);
  } catch (fault) {
    if (!isRefusal(fault)) throw fault;
    await quarantine(context, entry, describeFault(fault));
  }
}

async function giveWay(
  context: OperationsContext,
  entry: MailboxEntry,
  { state, location }: Registration,
): Promise<void> {
  // What is only reserved there may come to nothing.
  if (state === "reserved") throw new No("INUSE", `The name is reserved at ${location}`);
  await quarantine(context, entry, `the master has it at ${location}`);
}

/**
 * Gives a mailbox its name in quarantine (quarantine.ts): the old one is another's now (S134, S164). Whoever settles a
 * record holds the name: the master hears of the new one at the next resynchronisation.
 */
async function quarantine(context: OperationsContext, entry: MailboxEntry, cause: string): Promise<MailboxName> {
  const name = freeQuarantinedName(context, entry.name);
  await context.list.change([
    { expect: entry.name, uniqueId: entry.uniqueId },
    { remove: entry.name },
    { insert: { ...entry, name } },
  ]);
  context.log.error("mailbox quarantined", { mailbox: entry.name, to: name, cause });
  return name;
}

function freeQuarantinedName(context: OperationsContext, name: MailboxName): MailboxName {
  for (let atMs = context.clock.now(); ; atMs += 1000) {
    const quarantined = quarantinedNameOf(name, atMs, context.settings.deletedprefix);
    if (context.list.find(quarantined) === undefined) return quarantined;
  }
}

/** Looks for folders that neither the list nor the journal knows. */
export async function sweepFolders(
  context: OperationsContext,
): Promise<Pick<RecoveryReport, "removedFolders" | "quarantined" | "unknownFolders">> {
  const removedFolders: UniqueId[] = [];
  const quarantined: MailboxName[] = [];
  const unknownFolders: UniqueId[] = [];
  for (const partition of context.settings.partitions.keys()) {
    for (const uniqueId of [...context.store.list(partition)]) {
      if (isKnown(context, uniqueId)) continue;
      const messages = await countMessages(context, uniqueId, partition);
      // An empty list beside full folders is a lost list, not a crashed CREATE: `reconstruct` is the answer to that.
      if (messages === undefined || context.list.size === 0) unknownFolders.push(uniqueId);
      else if (messages.count === 0) {
        await context.removeFolder(uniqueId, partition);
        removedFolders.push(uniqueId);
      } else quarantined.push(await adopt(context, uniqueId, partition, messages.uidValidity));
    }
  }
  for (const uniqueId of unknownFolders) context.log.error("folder belongs to no mailbox", { uniqueId });
  return { removedFolders, quarantined, unknownFolders };
}

function isKnown(context: OperationsContext, uniqueId: UniqueId): boolean {
  if (context.list.findById(uniqueId) !== undefined) return true; // nearly all, without reading the journal for each
  // In this order: a CREATE in another process leaves the journal in the same moment as it enters the list.
  if (context.list.journal().some(({ work }) => "uniqueId" in work && work.uniqueId === uniqueId)) return true;
  return context.list.findById(uniqueId) !== undefined;
}

async function countMessages(
  context: OperationsContext,
  uniqueId: UniqueId,
  partition: string,
): Promise<{ readonly count: number; readonly uidValidity: number } | undefined> {
  try {
    const mailbox = await context.store.open(uniqueId, partition);
    const { messages, uidValidity } = mailbox.totals();
    mailbox.release();
    return { count: messages, uidValidity };
  } catch {
    return undefined;
  }
}

/** Enters a folder with mail that belongs to no mailbox as "DELETED.QUARANTINE.lost.<unique id>.<time>". */
async function adopt(
  context: OperationsContext,
  uniqueId: UniqueId,
  partition: string,
  uidValidity: number,
): Promise<MailboxName> {
  const name = freeQuarantinedName(context, requireMailboxName(`lost.${uniqueId}`));
  const acl = parseDefaultAcl("");
  await context.list.change([{ insert: { name, uniqueId, server: "", partition, acl, state: "active", uidValidity } }]);
  context.log.error("folder with mail belonged to no mailbox", { uniqueId, to: name });
  return name;
}
