// Quarantine: a mailbox whose name the master has given to another server (S164, S167) gets a name of its own under
// DELETED, where users do not see it and administrators find it. With RENAME it comes back; nothing removes it by itself.

import { type MailboxName, quarantinedNameOf } from "../name.ts";
import { faults } from "./access.ts";
import type { OperationsContext } from "./context.ts";
import { datedMoves, withFreeDate } from "./dated-names.ts";
import { moveNames } from "./move-names.ts";
import { noteMoves } from "./quota-moves.ts";

/** Returns the new name, which the master has, too. The old one stays as it is there: it is another server's. */
export function quarantineMailbox(context: OperationsContext, name: MailboxName, cause: string): Promise<MailboxName> {
  const { deletedprefix } = context.settings;
  return context.locks.hold([name], () =>
    withFreeDate(context, async (fromMs) => {
      const plan = async () => {
        const entry = context.list.find(name);
        if (entry === undefined) throw faults.nonexistent();
        return datedMoves(context, [entry], fromMs, (each, atMs) => quarantinedNameOf(each, atMs, deletedprefix));
      };
      const moves = await moveNames(context, name, plan, { keepsOldNames: true, goesAlone: false });
      await noteMoves(context, moves);
      const to = moves[0]!.after.name;
      context.log.error("mailbox quarantined", { mailbox: name, to, cause });
      return to;
    }),
  );
}
