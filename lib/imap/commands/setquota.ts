// SETQUOTA (RFC 9208 §4.1.3), here: administrators only (S71). The limits given replace all there were.

import { denied, isInUse, localMail, nonexistent } from "../access.ts";
import { countUsage } from "../count-usage.ts";
import { type SetQuotaArgs, setQuotaArgs } from "../parse/quota.ts";
import { setQuotaPlan } from "../plans/quota.ts";
import { sendQuota } from "../quota-response.ts";
import { planned, row } from "../row.ts";

export const setQuotaRow = row<SetQuotaArgs>({
  state: "authenticated",
  args: setQuotaArgs,
  at: planned(setQuotaPlan),
  async run(session, { mailbox, limits }) {
    if (!session.user.isAdmin) throw denied();
    const { list } = session.server;
    const { quota } = localMail(session);
    const name = session.namespace.toInternal(mailbox);
    const entry = list.find(name);
    if (!(entry && isInUse(entry)) && !list.hasDescendants(name)) throw nonexistent();
    if (quota.find(name)) await quota.setLimits(name, limits);
    else {
      const used = await countUsage(session, name);
      // What the new root counts from now on, the one above it counted so far.
      quota.changed(name, -used.bytes, -used.messages);
      await quota.setLimits(name, limits, used);
    }
    session.log.info("quota set", { root: name, storage: limits.STORAGE, messages: limits.MESSAGE });
    const root = quota.find(name);
    if (root) sendQuota(session, root);
    return undefined;
  },
});
