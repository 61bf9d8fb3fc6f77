// A change of the mailbox list that another server makes: the client's command goes there as it came, and the client hears
// OK only when this server's list shows the change, so that his next command finds it (S58–S60).

import type { Completion, Place } from "../../mailbox/place.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";

export async function changeElsewhere(session: Session, command: Command, server: string): Promise<Completion> {
  const completion = await session.relay(command, await session.links.to(server));
  if (completion.status === "OK") await session.server.router.settle();
  return completion;
}

/** The plan of a change to the mailbox at `place`. */
export async function changeAt(session: Session, command: Command, place: Place): Promise<Completion | "here"> {
  return place.kind === "here" ? "here" : changeElsewhere(session, command, place.server);
}
