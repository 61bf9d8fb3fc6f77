// RENAME on a backend: a mailbox with everything below it; a user with all that is his (administrators); and INBOX, whose
// messages move while it stays (RFC 9051 §6.3.6).

import { mapInSlices } from "../../base/time-slice.ts";
import type { Identity } from "../../sasl/identity.ts";
import { hasRight, Right, renameIdentifier } from "../acl.ts";
import type { MailboxEntry } from "../list.ts";
import { isBelow, isInbox, type MailboxName, ownerOf, parseMailboxName, rebase, whyNotCreatable } from "../name.ts";
import type { Mailbox, Uid } from "../store.ts";
import { faults, requireCreatable, requireVisible, rightsOf } from "./access.ts";
import type { OperationsContext } from "./context.ts";
import { createHeld } from "./create.ts";
import { moveNames, type NameMove } from "./move-names.ts";
import { admitMoves, noteMoves } from "./quota-moves.ts";
import { removeOne } from "./remove.ts";

/** What was renamed, in name order: the mailbox itself first. */
export function renameMailbox(
  context: OperationsContext,
  identity: Identity,
  from: MailboxName,
  to: MailboxName,
): Promise<readonly NameMove[]> {
  return context.locks.hold([from, to], async () => {
    await context.step("rename:verify", from);
    const source = requireVisible(context, identity, from);
    if (isInbox(from) && !identity.isAdmin) {
      if (ownerOf(from) !== identity.user) throw faults.denied();
      return [await emptyInboxInto(context, identity, source, to)];
    }
    const plan = () => planRename(context, identity, from, to);
    await admitMoves(context, await plan());
    const moves = await moveNames(context, from, plan);
    await noteMoves(context, moves);
    await mapInSlices(context.clock, moves, ({ before, after }) => {
      context.log.info("mailbox renamed", { mailbox: before.name, to: after.name, user: identity.user });
    });
    return moves;
  });
}

async function planRename(
  context: OperationsContext,
  identity: Identity,
  from: MailboxName,
  to: MailboxName,
): Promise<readonly NameMove[]> {
  const source = requireVisible(context, identity, from);
  if (from !== to && isBelow(to, from)) throw faults.unsupported();
  if (isInbox(from) && !isInbox(to)) throw faults.unsupported();
  if (requireCreatable(context, identity, to).inboxElsewhere) throw faults.denied();
  if (!identity.isAdmin && !hasRight(rightsOf(context, identity, source), Right.deleteMailbox)) throw faults.denied();
  const rename = (before: MailboxEntry) => ({ before, after: renamedEntry(context, before, from, to) });
  return [rename(source), ...(await mapInSlices(context.clock, context.list.descendants(from), rename))];
}

function renamedEntry(
  context: OperationsContext,
  before: MailboxEntry,
  from: MailboxName,
  to: MailboxName,
): MailboxEntry {
  if (before.state !== "active" || before.server !== "") throw faults.notNow();
  const name = parseMailboxName(to + before.name.slice(from.length));
  if (name === undefined || whyNotCreatable(name, context.settings.deletedprefix) !== undefined) throw faults.badName();
  if (context.list.find(name) !== undefined) throw faults.exists();
  const acl = isInbox(from) ? renameIdentifier(before.acl, ownerOf(from)!, ownerOf(to)!) : before.acl;
  return { ...before, name: rebase(before.name, from, to), acl };
}

/** RENAME INBOX: a new mailbox takes all messages, INBOX is left empty, what is below it stays. */
async function emptyInboxInto(
  context: OperationsContext,
  identity: Identity,
  inbox: MailboxEntry,
  to: MailboxName,
): Promise<NameMove> {
  const created = await createHeld(context, identity, to);
  await moveMessages(context, identity, inbox, created, () => removeOne(context, created));
  return { before: inbox, after: created };
}

/** `undo` is for as long as INBOX has everything: once it may be emptied, two copies are better than none. */
async function moveMessages(
  context: OperationsContext,
  identity: Identity,
  from: MailboxEntry,
  to: MailboxEntry,
  undo: () => Promise<void>,
): Promise<void> {
  const source = await context.store.open(from.uniqueId, from.partition);
  try {
    const target = await context.store.open(to.uniqueId, to.partition);
    try {
      const before = source.totals();
      await context.step("rename-inbox:copy", from.name);
      const copied = await copyAll(source, target, identity.user).catch(async (fault: unknown) => {
        await undo();
        throw fault;
      });
      await context.step("rename-inbox:expunge", from.name);
      await source.expunge(copied);
      const moved = target.totals();
      const after = source.totals();
      context.quota.changed(from.name, after.bytes - before.bytes, after.messages - before.messages);
      context.quota.changed(to.name, moved.bytes, moved.messages);
    } finally {
      target.release();
    }
  } finally {
    source.release();
  }
}

async function copyAll(source: Mailbox, target: Mailbox, user: string): Promise<readonly Uid[]> {
  const uids = Array.from(source.uids(), (uid) => uid as Uid);
  return (await source.copyTo(target, uids, user)).source;
}
