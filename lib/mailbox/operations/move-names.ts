// Gives mailboxes other names on this server: RENAME with everything below, and DELETE when it is delayed. New names are
// reserved at the master, then the list changes in one transaction, then the new names are activated and the old ones
// removed (seed 3.7). Messages are not touched: folders are named by unique id.

import { describeFault, No } from "../../base/fault.ts";
import type { JournalRecord, JournalWork } from "../journal.ts";
import type { ListEdit, MailboxEntry } from "../list.ts";
import type { MailboxName } from "../name.ts";
import { forEachAtOnce, isRefusal, type OperationsContext } from "./context.ts";

/** One mailbox before and after; unique id and partition stay. */
export interface NameMove {
  readonly before: MailboxEntry;
  readonly after: MailboxEntry;
}

export interface MoveSettings {
  /** The old names are another server's: the master keeps them as they are. */
  readonly keepsOldNames: boolean;
  /** A master that is away hears of it later, instead of preventing it. */
  readonly goesAlone: boolean;
}

const usualSettings: MoveSettings = { keepsOldNames: false, goesAlone: false };

/** `plan` is asked again once the operation is written down: what it checked may have changed. */
export async function moveNames(
  context: OperationsContext,
  name: MailboxName,
  plan: () => Promise<readonly NameMove[]>,
  { keepsOldNames, goesAlone }: MoveSettings = usualSettings,
): Promise<readonly NameMove[]> {
  const pairsOf = (moves: readonly NameMove[]) =>
    moves.map(({ before, after }) => ({ from: before.name, to: after.name }));
  const planned = pairsOf(await plan());
  await context.step("rename:begin", name);
  const record = await context.begin(name, { kind: "rename", step: "reserve", pairs: planned });
  let moves: readonly NameMove[];
  try {
    moves = await plan();
    if (!Bun.deepEquals(pairsOf(moves), planned)) throw new No("INUSE", "Mailbox was changed meanwhile");
  } catch (fault) {
    await context.clear(record);
    throw fault;
  }
  const announcing: JournalWork = { kind: "rename", step: "announce", pairs: planned };
  await reserve(context, record, moves, goesAlone);
  await commit(context, record, announcing, moves);
  if (context.registrar.isShared) await announce(context, { ...record, work: announcing }, moves, keepsOldNames);
  return moves;
}

async function reserve(
  context: OperationsContext,
  record: JournalRecord,
  moves: readonly NameMove[],
  goesAlone: boolean,
): Promise<void> {
  await context.step("rename:reserve", record.name);
  try {
    await forEachAtOnce(moves, ({ after }) => context.registrar.reserve(after.name, context.locationOf(after)));
  } catch (fault) {
    if (goesAlone && !isRefusal(fault)) return;
    if (isRefusal(fault)) await release(context, record, moves);
    else await context.leave(record, fault);
    throw fault;
  }
}

async function commit(
  context: OperationsContext,
  record: JournalRecord,
  announcing: JournalWork,
  moves: readonly NameMove[],
): Promise<void> {
  await context.step("rename:commit", record.name);
  try {
    await context.list.changeMany(moves.flatMap(editsOf), [
      context.registrar.isShared ? { write: { ...record, work: announcing } } : { clear: record.name },
    ]);
  } catch (fault) {
    await release(context, record, moves);
    throw fault;
  }
}

/** Gives back the names that were reserved by then. */
function release(context: OperationsContext, record: JournalRecord, moves: readonly NameMove[]): Promise<void> {
  return context.undo(record, () => forEachAtOnce(moves, ({ after }) => context.release(after.name)));
}

function editsOf({ before, after }: NameMove): readonly ListEdit[] {
  return [{ expect: before.name, uniqueId: before.uniqueId }, { remove: before.name }, { insert: after }];
}

/** The names are changed. A master that cannot be told now is told later. */
async function announce(
  context: OperationsContext,
  record: JournalRecord,
  moves: readonly NameMove[],
  keepsOldNames: boolean,
): Promise<void> {
  try {
    await context.step("rename:activate", record.name);
    await forEachAtOnce(moves, ({ after }) => context.activate(after));
    await context.step("rename:remove", record.name);
    if (!keepsOldNames) await forEachAtOnce(moves, ({ before }) => context.release(before.name));
  } catch (fault) {
    if (isRefusal(fault)) context.log.error("master refused a renamed mailbox", { error: describeFault(fault) });
    return context.leave(record, fault);
  }
  await context.step("rename:finish", record.name);
  await context.clear(record);
}
