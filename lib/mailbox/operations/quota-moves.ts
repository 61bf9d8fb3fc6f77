// What operations on names mean for quota: usage goes with the mailboxes, roots go with their names.

import { describeFault } from "../../base/fault.ts";
import { mapInSlices, TimeSlice } from "../../base/time-slice.ts";
import type { MailboxEntry } from "../list.ts";
import type { MailboxName } from "../name.ts";
import type { QuotaUsage } from "../quota.ts";
import type { OperationsContext } from "./context.ts";
import { followNames } from "./left-names.ts";
import type { NameMove } from "./move-names.ts";

/** Throws No("OVERQUOTA") when a root that did not cover the mailboxes cannot take them. */
export async function admitMoves(context: OperationsContext, moves: readonly NameMove[]): Promise<void> {
  const incoming = new Map<MailboxName, { name: MailboxName; bytes: number; messages: number }>();
  const slice = new TimeSlice(context.clock);
  for (const { before, after } of moves) {
    if (slice.isOver) await slice.next();
    const root = context.quota.rootOf(after.name)?.name;
    if (root === undefined || root === context.quota.rootOf(before.name)?.name) continue;
    const usage = await usageOf(context, before);
    const sum = incoming.get(root) ?? { name: after.name, bytes: 0, messages: 0 };
    incoming.set(root, { ...sum, bytes: sum.bytes + usage.bytes, messages: sum.messages + usage.messages });
  }
  for (const { name, bytes, messages } of incoming.values()) context.quota.admit(name, bytes, messages);
}

/** After a move: what goes with the names first, then usage that changed roots. */
export async function noteMoves(context: OperationsContext, moves: readonly NameMove[]): Promise<void> {
  const rootOf = ({ name }: MailboxEntry) => context.quota.rootOf(name)?.name;
  const oldRoots = await mapInSlices(context.clock, moves, ({ before }) => rootOf(before));
  const renamed = await followNames(
    context,
    moves.map(({ before, after }) => ({ from: before.name, to: after.name })),
  );
  const slice = new TimeSlice(context.clock);
  for (const [index, { before, after }] of moves.entries()) {
    if (slice.isOver) await slice.next();
    const oldRoot = oldRoots[index];
    const newRoot = rootOf(after);
    if (newRoot === (oldRoot && (renamed.get(oldRoot) ?? oldRoot))) continue;
    const { bytes, messages } = await usageOf(context, before);
    if (oldRoot) context.quota.changed(renamed.get(oldRoot) ?? before.name, -bytes, -messages);
    context.quota.changed(after.name, bytes, messages);
  }
}

/** Measures a mailbox before it is removed; the function returned takes it off its root's usage. */
export async function noteRemoval(context: OperationsContext, entry: MailboxEntry): Promise<() => void> {
  if (context.quota.rootOf(entry.name) === undefined) return () => {};
  const { bytes, messages } = await usageOf(context, entry);
  return () => context.quota.changed(entry.name, -bytes, -messages);
}

/** A mailbox that cannot be opened counts nothing: `quota -f` makes it right when it is repaired. */
async function usageOf(context: OperationsContext, entry: MailboxEntry): Promise<QuotaUsage> {
  try {
    const mailbox = await context.store.open(entry.uniqueId, entry.partition);
    const { bytes, messages } = mailbox.totals();
    mailbox.release();
    return { bytes, messages };
  } catch (fault) {
    context.log.warning("quota: mailbox not measured", { mailbox: entry.name, error: describeFault(fault) });
    return { bytes: 0, messages: 0 };
  }
}
