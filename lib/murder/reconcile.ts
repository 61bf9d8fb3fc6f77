// Resynchronisation of a backend with the master (seed 4.2): what exists here and is not announced is announced, what is
// announced for us and does not exist is withdrawn. The master is right about where a mailbox is: one that it says is in
// use elsewhere goes to quarantine; nothing is ever deleted here.
//
// First a plan that can be printed, then its execution (apply-plan.ts).

import type { MailboxEntry, MailboxList } from "../mailbox/list.ts";
import { isQuarantinedName, type MailboxName } from "../mailbox/name.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { isSameRecord, type MailboxRecord, recordOf, serverOf } from "../mupdate/record.ts";
import { eachInFlight } from "./in-flight.ts";
import { nextTurn } from "./name-order.ts";

/** What reconciling needs of a connection to the master. */
export type Master = Pick<MupdateClient, "list" | "find" | "reserve" | "activate" | "remove">;

export interface ReconcileOptions {
  readonly list: MailboxList;
  readonly master: Master;
  /** Our name in locations. */
  readonly server: string;
  /** `-a`: what exists here counts, whatever the master says about another place. */
  readonly isAuthoritative: boolean;
  /** Names this server had: what the master has there is ours (server-name.ts). */
  readonly formerServers?: readonly string[];
  /** `mupdate_config: replicated`: the same mailbox may be on several servers. */
  readonly isReplicated?: boolean;
  /** `deletedprefix`. */
  readonly deletedPrefix?: string;
}

export interface Conflict {
  readonly name: MailboxName;
  /** Where the mailbox is for us, and where for the master. */
  readonly here: string;
  readonly master: string;
}

export interface PlannedActivation {
  readonly record: MailboxRecord;
  /** missing: the master does not have the name. changed: it has it at this server, but not like this. */
  readonly why: "missing" | "changed";
}

export interface PlannedRemoval {
  readonly name: MailboxName;
  readonly state: MailboxRecord["state"];
}

export interface ReconcilePlan {
  readonly server: string;
  /** How many mailboxes exist here, and how many the master has in use at this server. */
  readonly mailboxes: number;
  readonly announced: number;
  readonly activate: readonly PlannedActivation[];
  readonly remove: readonly PlannedRemoval[];
  /** The master has them in use on another server. */
  readonly quarantine: readonly Conflict[];
  /** They are only reserved on another server, which has to finish or to withdraw what it began. */
  readonly waiting: readonly Conflict[];
  /** What is in quarantine already: no step of the plan. */
  readonly quarantined: readonly MailboxName[];
}

/** Questions and changes on their way at once. */
export const mostInFlight = 256;
const comparedBetweenTurns = 512;

/** Reads only. Does not hold the event loop, however long the lists are. */
export async function planReconcile(options: ReconcileOptions): Promise<ReconcilePlan> {
  const { list, server } = options;
  const { announced, inUse } = await readAnnounced(options);
  const inWork = namesInWork(list);
  const activate: PlannedActivation[] = [];
  const unknown: MailboxRecord[] = [];
  const quarantined: MailboxName[] = [];
  let mailboxes = 0;
  let compared = 0;
  for (const entry of list.entries()) {
    if (++compared % comparedBetweenTurns === 0) await nextTurn();
    if (!isOurs(entry, server)) continue;
    mailboxes += 1;
    if (isQuarantinedName(entry.name, options.deletedPrefix)) quarantined.push(entry.name);
    const record = recordOf(entry, server)!;
    const known = announced.get(entry.name);
    announced.delete(entry.name);
    if (inWork.has(entry.name)) continue; // whoever works on it tells the master himself
    if (!known) unknown.push(record);
    else if (!isSameRecord(known, record)) activate.push({ record, why: "changed" });
  }
  const remove = await findStale(options, announced);
  const { missing, quarantine, waiting } = await findConflicts(options, unknown);
  for (const record of missing) activate.push({ record, why: "missing" });
  return { server, mailboxes, announced: inUse, activate, remove, quarantine, waiting, quarantined };
}

async function readAnnounced({ master, server, formerServers = [] }: ReconcileOptions) {
  const announced = new Map<MailboxName, MailboxRecord>();
  let inUse = 0;
  for (const each of [...formerServers, server]) {
    for (const record of await master.list(`${each}!`)) {
      announced.set(record.name, record);
      if (record.state === "active") inUse += 1;
      if (announced.size % comparedBetweenTurns === 0) await nextTurn();
    }
  }
  return { announced, inUse };
}

/** Of the names that were not met in our list, those that really are not in it. */
async function findStale(
  { list, server }: ReconcileOptions,
  unmet: ReadonlyMap<MailboxName, MailboxRecord>,
): Promise<readonly PlannedRemoval[]> {
  const inWork = namesInWork(list);
  const stale: PlannedRemoval[] = [];
  let compared = 0;
  for (const { name, state } of unmet.values()) {
    if (++compared % comparedBetweenTurns === 0) await nextTurn();
    const entry = list.find(name);
    // It was made meanwhile, or is in somebody's hands, who will say what became of it.
    if (inWork.has(name) || (entry && (isOurs(entry, server) || entry.state === "moving"))) continue;
    stale.push({ name, state });
  }
  return stale;
}

/** What the master says of mailboxes that it does not have at this server. */
async function findConflicts(options: ReconcileOptions, unknown: readonly MailboxRecord[]) {
  const { master, isAuthoritative, isReplicated } = options;
  if (isAuthoritative || isReplicated) return { missing: unknown, quarantine: [], waiting: [] };
  const missing: MailboxRecord[] = [];
  const quarantine: Conflict[] = [];
  const waiting: Conflict[] = [];
  await eachInFlight(unknown, mostInFlight, async (record) => {
    const known = await master.find(record.name);
    if (!known || isAtUs(known, options)) {
      missing.push(record);
      return;
    }
    const conflict: Conflict = { name: record.name, here: record.location, master: known.location };
    if (known.state === "active") quarantine.push(conflict);
    else waiting.push(conflict);
  });
  return { missing, quarantine, waiting };
}

export function isEmptyPlan({ activate, remove, quarantine, waiting }: ReconcilePlan): boolean {
  return activate.length + remove.length + quarantine.length + waiting.length === 0;
}

/** The plan in Cyrus' words, a line a step. */
export function describePlan(plan: ReconcilePlan): string[] {
  return [
    ...plan.remove.map(({ name }) => `Remove from MUPDATE: ${name}`),
    ...plan.activate.map(({ record }) => `Force Activate: ${record.name}`),
    ...plan.quarantine.map(
      ({ name, here, master }) => `Move to quarantine: ${name} is here at ${here}, the master has it at ${master}`,
    ),
    ...plan.waiting.map(
      ({ name, here, master }) => `Leave alone: ${name} is here at ${here}, the master has it reserved at ${master}`,
    ),
  ];
}

/** The plan as `--json` shows it. */
export function planAsJson(plan: ReconcilePlan) {
  const { activate, ...rest } = plan;
  return {
    ...rest,
    activate: activate.map(({ record: { name, location, acl }, why }) => ({ name, location, acl, why })),
  };
}

/** How much may go without an administrator's word. */
export interface RemovalLimits {
  /** So many always. */
  readonly count: number;
  /** More than `count`: at most this share of what there is. */
  readonly percent: number;
}

export function removalLimits(config: {
  readonly reconcile_limit: number;
  readonly reconcile_limit_percent: number;
}): RemovalLimits {
  return { count: config.reconcile_limit, percent: config.reconcile_limit_percent };
}

/**
 * Why a plan looks like a mistake (a lost list, an old copy of it), or undefined. Names that are only reserved do not
 * count: nobody has mail there.
 */
export function whyImplausible(plan: ReconcilePlan, limits: RemovalLimits): string | undefined {
  const { server, mailboxes, announced } = plan;
  const withdrawn = plan.remove.filter(({ state }) => state === "active").length;
  const quarantined = plan.quarantine.length;
  if (mailboxes === 0 && withdrawn > 0) {
    return `Refusing to withdraw all ${withdrawn} mailboxes of "${server}": the mailbox list here is empty`;
  }
  const most = Math.max(limits.count, Math.floor((limits.percent * Math.max(announced, mailboxes)) / 100));
  if (withdrawn + quarantined <= most) return undefined;
  return (
    `Refusing to withdraw ${withdrawn} of the ${announced} mailboxes that the master has at "${server}" and to move ` +
    `${quarantined} of the ${mailboxes} here to quarantine: more than ${most} need an administrator's word`
  );
}

/** Names that unfinished operations claim. */
export function namesInWork(list: MailboxList): ReadonlySet<MailboxName> {
  const names = new Set<MailboxName>();
  for (const { name, work } of list.journal()) {
    names.add(name);
    if (work.kind !== "rename") continue;
    for (const { from, to } of work.pairs) names.add(from).add(to);
  }
  return names;
}

/** A finished mailbox of this server; what is reserved or moving is in somebody's hands. */
export function isOurs(entry: MailboxEntry, server: string): boolean {
  return (entry.server === "" || entry.server === server) && entry.state === "active";
}

/** Whether the master has a name at this server, by its present or a former name. */
export function isAtUs({ location }: MailboxRecord, { server, formerServers = [] }: ReconcileOptions): boolean {
  const there = serverOf(location);
  return there === server || formerServers.includes(there);
}
