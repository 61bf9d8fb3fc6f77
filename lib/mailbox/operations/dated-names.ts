// Names that end with a time: where mailboxes go that are deleted later or lost their name to another server.

import { No } from "../../base/fault.ts";
import { mapInSlices } from "../../base/time-slice.ts";
import type { MailboxEntry } from "../list.ts";
import type { MailboxName } from "../name.ts";
import { faults } from "./access.ts";
import type { OperationsContext } from "./context.ts";
import type { NameMove } from "./move-names.ts";

/** How often a move is dated later because its new name is taken: by 1, 3, 7 … seconds. */
const maxRedatings = 16;

/** Runs `work` with the time, and with a later one when another server has taken a name with that time. */
export async function withFreeDate<T>(context: OperationsContext, work: (atMs: number) => Promise<T>): Promise<T> {
  for (let redated = 0; ; redated += 1) {
    try {
      return await work(context.clock.now() + (2 ** redated - 1) * 1000);
    } catch (fault) {
      if (!(fault instanceof No && fault.code === "ALREADYEXISTS") || redated >= maxRedatings) throw fault;
    }
  }
}

/** Moves of `entries` to names with the first time, `fromMs` or later, that is free for all of them here. */
export async function datedMoves(
  context: OperationsContext,
  entries: readonly MailboxEntry[],
  fromMs: number,
  nameAt: (name: MailboxName, atMs: number) => MailboxName,
): Promise<readonly NameMove[]> {
  if (entries.some((entry) => entry.state !== "active" || entry.server !== "")) throw faults.notNow();
  for (let atMs = fromMs; ; atMs += 1000) {
    let isTaken = false;
    const moves = await mapInSlices(context.clock, entries, (before) => {
      const after = { ...before, name: nameAt(before.name, atMs) };
      isTaken ||= context.list.find(after.name) !== undefined;
      return { before, after };
    });
    if (!isTaken) return moves;
  }
}
