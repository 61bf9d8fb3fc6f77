// The untagged QUOTA response (RFC 9208 §4.2.1): use and limit of each resource that has a limit.

import { type QuotaRoot, quotaResources, usedOf } from "../mailbox/quota.ts";
import { formatAstring } from "../wire/writer.ts";
import type { Session } from "./session.ts";

export function sendQuota(session: Session, root: QuotaRoot): void {
  const triplets = quotaResources.flatMap((resource) => {
    const limit = root.limits[resource];
    return limit === undefined ? [] : [`${resource} ${usedOf(root, resource)} ${limit}`];
  });
  session.untagged(`QUOTA ${quotaRootName(session, root)} (${triplets.join(" ")})`);
}

export function quotaRootName(session: Session, root: QuotaRoot): string {
  return formatAstring(session.namespace.toExternal(root.name));
}
