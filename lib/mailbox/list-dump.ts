// The mailbox list as text: the JSON of Cyrus' ctl_mboxlist -d, one mailbox a line, in name order. Keys whose values we do
// not keep are left out.

import { formatRights, parseAcl } from "./acl.ts";
import type { MailboxEntry, MailboxList, MailboxState } from "./list.ts";

const stateLetters: Readonly<Record<MailboxState, string>> = { active: "", reserved: "z", moving: "m", deleted: "d" };

export function* dumpLines(list: Pick<MailboxList, "entries">, partition?: string): Generator<string> {
  let separator = "{\n";
  for (const entry of list.entries()) {
    if (partition !== undefined && (entry.partition !== partition || entry.server !== "")) continue;
    yield `${separator}${JSON.stringify(entry.name)}: ${JSON.stringify(dumpOf(entry))}`;
    separator = ",\n";
  }
  yield separator === "{\n" ? "{}\n" : "\n}\n";
}

function dumpOf(entry: MailboxEntry): Readonly<Record<string, unknown>> {
  const acl = parseAcl(entry.acl).map(({ identifier, rights }) => [identifier, formatRights(rights)]);
  return {
    name: entry.name,
    uidvalidity: String(entry.uidValidity),
    mbtype: `e${entry.server === "" ? "" : "r"}${stateLetters[entry.state]}`,
    partition: entry.partition,
    ...(entry.server !== "" && { server: entry.server }),
    acl: Object.fromEntries(acl),
    ...(entry.uniqueId !== "" && { uniqueid: entry.uniqueId }),
  };
}
