// SUBSCRIBE: the mailbox must exist somewhere in the murder, the subscription is kept at the user's home (S76, S78).

import type { Completion } from "../../mailbox/place.ts";
import { locateVisible } from "../access.ts";
import type { MailboxArgs } from "../parse/mailbox.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { requireHome } from "./home.ts";

export async function subscribePlan(
  session: Session,
  { mailbox }: MailboxArgs,
  command: Command,
): Promise<Completion | "here"> {
  if (!mayBeElsewhere(session)) await locateVisible(session, mailbox);
  return atHome(session, command);
}

/** UNSUBSCRIBE: any name, whether it is a mailbox or not (S77, R19). */
export function unsubscribePlan(session: Session, _args: MailboxArgs, command: Command): Promise<Completion | "here"> {
  return atHome(session, command);
}

async function atHome(session: Session, command: Command): Promise<Completion | "here"> {
  const home = await requireHome(session);
  return home === "here" ? home : session.relay(command, await session.links.to(home.server));
}

/** A backend does not know the other servers' mailboxes: the frontend that speaks for the user has looked. */
function mayBeElsewhere({ server, user }: Session): boolean {
  return server.config.allowallsubscribe || (server.local !== undefined && user.isProxied);
}
