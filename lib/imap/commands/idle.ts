// IDLE (RFC 2177): changes are told as they happen, until the client says DONE.

import { requireDone } from "../parse/done.ts";
import { idlePlan } from "../plans/idle.ts";
import { noArguments, planned, row } from "../row.ts";
import type { Session } from "../session.ts";

export const idleRow = row<undefined>({
  state: "authenticated",
  args: noArguments,
  at: planned(idlePlan),
  async run(session) {
    session.send("+ idling\r\n");
    const stop = watchSelected(session);
    try {
      requireDone(await session.interludes.readLine());
    } finally {
      stop();
    }
    return undefined;
  },
});

/** Who used NOTIFY hears what he asked for, and no more (RFC 5465 §4). */
function watchSelected(session: Session): () => void {
  const { selection, notifier } = session;
  if (selection?.kind !== "here" || notifier) return () => {};
  const { local } = selection;
  const tell = () => {
    if (session.selection === selection) local.announce(session, true);
  };
  const stop = local.mailbox.watch(tell);
  tell(); // what changed since the last command
  return stop;
}
