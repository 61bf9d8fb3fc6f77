// What loading a dump would change in a mailbox list, found out before anything is changed: new mailboxes, mailboxes that would
// be replaced and in what, and all reasons why the dump does not fit this server.

import { keepsMailboxes, type Role } from "../../config/role.ts";
import type { MailboxEntry, MailboxList, UniqueId } from "../../mailbox/list.ts";
import type { Dump, DumpedMailbox } from "../../mailbox/list-dump-reader.ts";
import type { MailboxName } from "../../mailbox/name.ts";

export interface UndumpPlan {
  readonly insert: readonly MailboxEntry[];
  readonly replace: readonly Replacement[];
  /** Mailboxes that are in the list just so. */
  readonly same: number;
  readonly skipped: readonly Remark[];
  /** Worth knowing, no obstacle. */
  readonly notes: readonly Remark[];
  /** With any of these nothing is loaded. */
  readonly problems: readonly Remark[];
}

export interface Replacement {
  readonly before: MailboxEntry;
  readonly after: MailboxEntry;
  readonly changes: readonly FieldChange[];
}

export interface FieldChange {
  readonly field: keyof MailboxEntry;
  readonly from: string | number;
  readonly to: string | number;
}

export interface Remark {
  readonly line: number;
  readonly name: string;
  readonly text: string;
}

export interface UndumpSite {
  readonly list: Pick<MailboxList, "find" | "findById" | "journal">;
  readonly role: Role;
  readonly servername: string;
  readonly partitions: ReadonlyMap<string, string>;
  /** Whose mailboxes those are that the dump names no server for; undefined: this server's. */
  readonly dumpOf: string | undefined;
  newUniqueId(): UniqueId;
}

/** Fields whose change is told. */
const fields = ["server", "partition", "acl", "state", "uniqueId", "uidValidity"] as const;

export function planUndump(dump: Dump, site: UndumpSite): UndumpPlan {
  const plan = { insert: [], replace: [], same: 0, skipped: [], notes: [], problems: [...dump.problems] } as Drafted;
  plan.skipped.push(...dump.passedOver.map(({ line, name, why }) => ({ line, name, text: why })));
  const claimed = new Set(site.list.journal().map((record) => record.name));
  const idsOf = new Map(dump.mailboxes.map(({ entry }) => [entry.name, entry.uniqueId]));
  const nameOf = new Map<UniqueId, MailboxName>();
  for (const mailbox of dump.mailboxes) {
    const entry = placed(mailbox, site);
    const { line } = mailbox;
    const { name } = entry;
    const remark = (text: string): Remark => ({ line, name, text });
    if (site.role === "backend" && entry.server !== "" && entry.state !== "moving") {
      plan.skipped.push(remark(`is of ${entry.server}: a backend lists only its own mailboxes`));
      continue;
    }
    const whyNot = claimed.has(name)
      ? "is in the hands of an unfinished operation: start the server once, which settles it"
      : (whyNotHere(entry, site) ?? whyIdIsTaken(entry, site, idsOf, nameOf));
    if (whyNot !== undefined) {
      plan.problems.push(remark(whyNot));
      continue;
    }
    if (mailbox.foreignType !== "")
      plan.notes.push(remark(`is of Cyrus' type "${mailbox.foreignType}", here for mail`));
    take(plan, entry, site, remark);
  }
  return plan;
}

type Drafted = {
  -readonly [Key in keyof UndumpPlan]: UndumpPlan[Key] extends readonly (infer Item)[] ? Item[] : number;
};

/** The entry with its server as this server sees it. */
function placed({ entry }: DumpedMailbox, { servername, dumpOf = servername }: UndumpSite): MailboxEntry {
  const server = entry.server === "" ? dumpOf : entry.server;
  if (server === servername) return { ...entry, server: "" };
  // Of a mailbox of another server no more is known than the master tells.
  if (entry.state !== "moving") return { ...entry, server, uniqueId: "" as UniqueId, uidValidity: 0 };
  return { ...entry, server };
}

function whyNotHere({ server, partition }: MailboxEntry, { role, partitions }: UndumpSite): string | undefined {
  if (server !== "") return undefined;
  if (!keepsMailboxes(role))
    return "is of no server, and a frontend has no mailboxes: say with --server whose dump this is";
  return partitions.has(partition) ? undefined : `is on partition "${partition}", which is not configured here`;
}

/** Two mailboxes with one folder would be one mailbox under two names. */
function whyIdIsTaken(
  { name, uniqueId }: MailboxEntry,
  { list }: UndumpSite,
  idsOf: ReadonlyMap<MailboxName, UniqueId>,
  nameOf: Map<UniqueId, MailboxName>,
): string | undefined {
  if (uniqueId === "") return undefined;
  const twin = nameOf.get(uniqueId);
  if (twin !== undefined) return `has the uniqueid of "${twin}"`;
  nameOf.set(uniqueId, name);
  const holder = list.findById(uniqueId)?.name;
  if (holder === undefined || holder === name || (idsOf.get(holder) ?? uniqueId) !== uniqueId) return undefined;
  return `has the uniqueid of "${holder}", which is in the list`;
}

function take(plan: Drafted, given: MailboxEntry, site: UndumpSite, remark: (text: string) => Remark): void {
  const before = site.list.find(given.name);
  const after = completed(given, before, site);
  if (after.server === "" && given.uniqueId === "" && after.uniqueId !== before?.uniqueId) {
    plan.notes.push(remark("has no uniqueid in the dump: nothing says which folder is its own"));
  }
  if (before === undefined) plan.insert.push(after);
  else {
    const changes = fields
      .filter((field) => before[field] !== after[field])
      .map((field) => ({ field, from: before[field], to: after[field] }));
    if (changes.length === 0) plan.same += 1;
    else plan.replace.push({ before, after, changes });
  }
}

/** What the dump does not say stays as it is. */
function completed(entry: MailboxEntry, before: MailboxEntry | undefined, site: UndumpSite): MailboxEntry {
  if (entry.server !== "" && entry.state !== "moving") return entry;
  const uniqueId = entry.uniqueId || before?.uniqueId || site.newUniqueId();
  const isTheSame = uniqueId === before?.uniqueId;
  return { ...entry, uniqueId, uidValidity: entry.uidValidity || (isTheSame ? before.uidValidity : 0) };
}
