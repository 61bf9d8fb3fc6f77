// CREATE (RFC 3501 §6.3.3), here, with a special use (RFC 6154 §3).

import { localMail } from "../access.ts";
import { changeList } from "../change-list.ts";
import { newMailboxName } from "../new-name.ts";
import { type CreateArgs, type CreateTarget, createArgs } from "../parse/create.ts";
import { createPlan } from "../plans/create.ts";
import { planned, row } from "../row.ts";
import type { Session } from "../session.ts";
import { formatUses, specialUseEntry } from "../special-use.ts";

export const createRow = row<CreateArgs>({
  state: "authenticated",
  args: createArgs,
  at: planned(createPlan),
  async run(session, { mailbox, target, uses }) {
    const name = newMailboxName(session, mailbox);
    const partition = partitionOf(session, target);
    const value = uses && formatUses(session, name, uses);
    await changeList(session, async (operations) => {
      const { uniqueId } = await operations.create(session.user, name, partition);
      if (value === undefined) return;
      const edit = { owner: session.user.user, entry: specialUseEntry, value };
      await localMail(session).annotations.change(uniqueId, [edit]);
    });
    return undefined;
  },
});

/** The partition an administrator names; the plan has seen to it that the server is this one. */
function partitionOf(session: Session, target: CreateTarget | undefined): string | undefined {
  if (target?.word === session.server.config.servername) return undefined;
  return target?.partition ?? target?.word;
}
