// Resynchronisation of a backend with the master (seed 4.2): what exists here and is not announced is announced, what is
// announced for us and does not exist is withdrawn. The master is right about where a mailbox is: one that it says lives
// elsewhere is reported and left alone for an administrator; nothing is ever deleted here.
//
// First a plan that can be printed, then its execution.

import { describeFault, No } from "../base/fault.ts";
import type { MailboxEntry, MailboxList } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { isSameRecord, type MailboxRecord, recordOf, serverOf } from "../mupdate/record.ts";

/** What reconciling needs of a connection to the master. */
export type Master = Pick<MupdateClient, "list" | "find" | "activate" | "remove">;

export interface Conflict {
  readonly name: MailboxName;
  /** Where the mailbox is for us, and where for the master. */
  readonly here: string;
  readonly master: string;
}

export interface ReconcilePlan {
  readonly server: string;
  /** How many mailboxes the master knows at this server. */
  readonly announced: number;
  readonly activate: readonly MailboxRecord[];
  readonly remove: readonly MailboxName[];
  readonly conflicts: readonly Conflict[];
}

export interface ReconcileOptions {
  readonly list: MailboxList;
  readonly master: Master;
  /** Our name in locations. */
  readonly server: string;
  /** `-a`: what exists here counts, whatever the master says about another place. */
  readonly isAuthoritative: boolean;
}

/** Questions and changes on their way at once. */
const inFlight = 256;

export async function planReconcile(options: ReconcileOptions): Promise<ReconcilePlan> {
  const { list, master, server, isAuthoritative } = options;
  const announced = new Map<MailboxName, MailboxRecord>();
  for (const record of await master.list(`${server}!`)) announced.set(record.name, record);
  const activate: MailboxRecord[] = [];
  const unknown: MailboxRecord[] = [];
  const remove: MailboxName[] = [];
  for (const entry of list.entries()) {
    if (!isOurs(entry, server)) continue;
    const record = recordOf(entry, server)!;
    const known = announced.get(entry.name);
    if (known ? !isSameRecord(known, record) : isAuthoritative) activate.push(record);
    else if (!known) unknown.push(record);
  }
  // A name that the journal still works on is not stale: whoever works on it will say what became of it.
  const inWork = new Set(list.journal().map((record) => record.name));
  for (const name of announced.keys()) {
    const entry = list.find(name);
    if (inWork.has(name) || (entry && (isOurs(entry, server) || entry.state === "moving"))) continue;
    remove.push(name);
  }
  const conflicts: Conflict[] = [];
  await eachInFlight(unknown, async (record) => {
    const other = await master.find(record.name);
    if (!other || serverOf(other.location) === server) activate.push(record);
    else conflicts.push({ name: record.name, here: record.location, master: other.location });
  });
  return { server, announced: announced.size, activate, remove, conflicts };
}

/** The plan in Cyrus' words, a line a step. */
export function describePlan(plan: ReconcilePlan): string[] {
  return [
    ...plan.remove.map((name) => `Remove from MUPDATE: ${name}`),
    ...plan.activate.map((record) => `Force Activate: ${record.name}`),
    ...plan.conflicts.map(
      ({ name, here, master }) => `Conflict: ${name} is here at ${here}, the master has it at ${master}`,
    ),
  ];
}

/** Why a plan looks like a mistake (a changed servername, an empty list), or undefined. */
export function whyImplausible(plan: ReconcilePlan): string | undefined {
  const removed = plan.remove.length;
  if (removed <= 10 || removed * 2 <= plan.announced) return undefined;
  return `Refusing to remove ${removed} of the ${plan.announced} mailboxes that the master has at "${plan.server}"`;
}

export interface ReconcileOutcome {
  readonly activated: number;
  readonly removed: number;
  /** Names that the master refused, with its words. */
  readonly failures: readonly { readonly name: MailboxName; readonly reason: string }[];
}

/** Carries a plan out. Rejects with No("CANNOT") for an implausible plan unless `isForced`, No("UNAVAILABLE") when the master goes away. */
export async function applyPlan(
  plan: ReconcilePlan,
  { list, master, server }: ReconcileOptions,
  isForced: boolean,
): Promise<ReconcileOutcome> {
  const objection = whyImplausible(plan);
  if (objection && !isForced) throw new No("CANNOT", objection);
  const failures: { readonly name: MailboxName; readonly reason: string }[] = [];
  let activated = 0;
  let removed = 0;
  const attempt = async (name: MailboxName, work: () => Promise<unknown>): Promise<number> => {
    try {
      await work();
      return 1;
    } catch (fault) {
      if (fault instanceof No && fault.code === "UNAVAILABLE") throw fault;
      failures.push({ name, reason: describeFault(fault) });
      return 0;
    }
  };
  await eachInFlight(plan.remove, async (name) => {
    const entry = list.find(name);
    if (entry && isOurs(entry, server)) return; // made since the plan
    removed += await attempt(name, () => master.remove(name));
  });
  await eachInFlight(plan.activate, async ({ name }) => {
    // What the list says now: the mailbox may have changed or gone since the plan.
    const entry = list.find(name);
    const record = entry && isOurs(entry, server) ? recordOf(entry, server) : undefined;
    if (record) activated += await attempt(name, () => master.activate(name, record.location, record.acl));
  });
  return { activated, removed, failures };
}

/** A finished mailbox of this server; what is reserved or moving is in somebody's hands. */
function isOurs(entry: MailboxEntry, server: string): boolean {
  return (entry.server === "" || entry.server === server) && entry.state === "active";
}

/** Runs `work` for every item, some of them at once; the first fault ends it. */
async function eachInFlight<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += inFlight) {
    await Promise.all(items.slice(at, at + inFlight).map(work));
  }
}
