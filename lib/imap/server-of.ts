// Which server has a mailbox, by what this server's list says now: without asking anybody.

import type { MailboxEntry } from "../mailbox/list.ts";
import type { Session } from "./session.ts";

/** "here" also for what a backend does not have any more: it passes nothing on. */
export function serverOf({ server }: Session, entry: MailboxEntry): string {
  const { local, config } = server;
  const isHere = local !== undefined && (entry.server === "" || entry.server === config.servername);
  return isHere || (local && config.mupdate_config === "standard") ? "here" : entry.server;
}
