// How ctl_mupdate shows what a MUPDATE server says of a mailbox.

import { type MailboxRecord, partitionOf, serverOf } from "../../mupdate/record.ts";
import type { Field } from "../output.ts";

export const recordFields: readonly Field<MailboxRecord>[] = [
  { name: "name", value: (record) => record.name },
  { name: "state", value: (record) => record.state },
  { name: "server", value: (record) => serverOf(record.location) },
  { name: "partition", value: (record) => partitionOf(record.location) },
  { name: "acl", value: (record) => aclEntries(record.acl), text: (record) => aclEntries(record.acl).join(", ") },
];

/** "ann lrs" for each entry, as it came. */
export function aclEntries(acl: string): string[] {
  const parts = acl.split("\t");
  const entries: string[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) entries.push(`${parts[at]} ${parts[at + 1]}`);
  return entries;
}

/** In a few words: "active at be1!default", "reserved at be1!", "not there". */
export function describeRecord(record: MailboxRecord | undefined): string {
  return record ? `${record.state} at ${record.location}` : "not there";
}
