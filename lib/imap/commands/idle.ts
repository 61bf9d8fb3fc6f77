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
      requireDone(await session.readLine());
    } finally {
      stop();
    }
    return undefined;
  },
});

function watchSelected(session: Session): () => void {
  const { selection } = session;
  if (selection?.kind !== "here") return () => {};
  const { local } = selection;
  const tell = () => {
    if (session.selection === selection) local.announce(session, true);
  };
  const stop = local.mailbox.watch(tell);
  tell(); // what changed since the last command
  return stop;
}
