// NOTIFY (RFC 5465): what the client wants to hear without asking.

import { Notifier } from "../notify/notifier.ts";
import { type NotifyArgs, notifyArgs } from "../parse/notify.ts";
import { here, row } from "../row.ts";

/** Wherever the mailboxes are: notify/ asks their servers. */
export const notifyRow = row<NotifyArgs>({
  state: "authenticated",
  args: notifyArgs,
  at: here,
  async run(session, args) {
    if (args === "none") await Notifier.end(session);
    else await Notifier.replace(session, args);
    return undefined;
  },
});
