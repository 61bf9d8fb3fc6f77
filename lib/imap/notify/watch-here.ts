// Begins to watch the messages of one mailbox that is here, for one client.

import { describeFault } from "../../base/fault.ts";
import type { MailboxTotals } from "../../mailbox/store.ts";
import { localMail } from "../access.ts";
import type { Session } from "../session.ts";
import { type Counts, countsOf } from "./counts.ts";
import { mailboxWatchesOf } from "./mailbox-watches.ts";
import type { Watched } from "./watched.ts";

export interface CountsListener {
  countedHere(watched: Watched, counts: Counts): void;
}

/** Nothing for one that is elsewhere. Tells once now, and after each change until `watched` is stopped. */
export async function watchHere(session: Session, watched: Watched, listener: CountsListener): Promise<void> {
  const { entry, server } = watched;
  if (server !== "here") return;
  const counted = (totals: MailboxTotals) => listener.countedHere(watched, countsOf(totals));
  try {
    const watch = await mailboxWatchesOf(localMail(session).store).watch(entry, () => counted(watch.totals));
    if (watched.server !== "here" || watched.entry.uniqueId !== entry.uniqueId) return watch.stop();
    watched.watchedBy(watch);
    counted(watch.totals);
  } catch (fault) {
    session.log.notice("cannot watch mailbox", { mailbox: entry.name, fault: describeFault(fault) });
  }
}
