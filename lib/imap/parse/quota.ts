// The arguments of GETQUOTA and SETQUOTA (RFC 9208 §4.1). A quota root is named like the mailbox it is set on.

import { Bad, No } from "../../base/fault.ts";
import { type QuotaLimits, type QuotaResource, quotaResources } from "../../mailbox/quota.ts";
import type { Reader } from "../../wire/reader.ts";
import { type MailboxArgs, readMailbox } from "./mailbox.ts";

export interface SetQuotaArgs extends MailboxArgs {
  readonly limits: QuotaLimits;
}

/** SP quota-root-name SP "(" *(resource SP limit) ")" */
export function setQuotaArgs(reader: Reader): SetQuotaArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  reader.space();
  const limits: { [resource in QuotaResource]?: number } = {};
  reader.list(() => {
    const resource = readResource(reader);
    reader.space();
    if (limits[resource] !== undefined) throw new Bad(`Resource ${resource} twice in SETQUOTA`);
    limits[resource] = reader.number();
  });
  reader.end();
  return { mailbox, limits };
}

function readResource(reader: Reader): QuotaResource {
  const word = reader.keyword();
  const resource = quotaResources.find((each) => each === word);
  if (resource === undefined) throw new No("CANNOT", `Quota resource "${word}" is not supported`);
  return resource;
}
