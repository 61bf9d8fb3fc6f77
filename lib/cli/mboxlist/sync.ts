// ctl_mboxlist -m: makes the MUPDATE master agree with this backend. The plan is shown, then checked for being a mistake, then
// with -i asked about, then carried out. Silent when master and backend agree.

import type { Config } from "../../config/config.ts";
import { ConfigError } from "../../config/config-error.ts";
import { roleOf } from "../../config/role.ts";
import type { MailboxList } from "../../mailbox/list.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import { applyPlan, type ReconcileOutcome } from "../../murder/apply-plan.ts";
import {
  describePlan,
  isEmptyPlan,
  planAsJson,
  planReconcile,
  type ReconcileOptions,
  type ReconcilePlan,
  type RemovalLimits,
  removalLimits,
  whyImplausible,
} from "../../murder/reconcile.ts";
import { acceptServerName, forgetFormerServers, readServerNames, requireServerName } from "../../murder/server-name.ts";
import { type Asker, confirm, terminalAsker } from "../confirm.ts";
import { exitCodes, UsageError } from "../exit-code.ts";
import { writeOutput, writeWords } from "../output.ts";
import { firstLines } from "./first-lines.ts";

/** Where mailboxes go whose name is another server's. */
export interface Quarantine {
  move(name: MailboxName, cause: string): Promise<MailboxName>;
  close(): Promise<void>;
}

export interface SyncSite {
  readonly config: Config;
  /** Open for writing, unless it is a dry run. */
  readonly list: MailboxList;
  connect(): Promise<MupdateClient>;
  openQuarantine(master: MupdateClient): Quarantine;
  /** Who answers -i; by default the terminal. */
  readonly asker?: Asker;
}

export interface SyncOptions {
  readonly authoritative: boolean;
  readonly interactive: boolean;
  readonly isDryRun: boolean;
  readonly force: boolean;
  readonly json: boolean;
  readonly "max-delete": string | undefined;
  readonly "accept-servername": boolean;
}

/** Returns the exit code. */
export async function synchronize(site: SyncSite, options: SyncOptions): Promise<number> {
  const { config, list } = site;
  const limits = readLimits(options["max-delete"], config);
  if (!config.mupdate_server) throw new ConfigError(["mupdate_server is not set: there is no master to agree with"]);
  const formerServers = await formerNames(site, options);
  const master = await site.connect();
  try {
    const reconcile: ReconcileOptions = {
      list,
      master,
      server: config.servername,
      isAuthoritative: options.authoritative,
      formerServers,
      isReplicated: roleOf(config) === "replicated",
      deletedPrefix: config.deletedprefix,
    };
    return await agree(site, options, limits, reconcile, master);
  } finally {
    master.logout();
  }
}

async function agree(
  site: SyncSite,
  options: SyncOptions,
  limits: RemovalLimits,
  reconcile: ReconcileOptions,
  master: MupdateClient,
): Promise<number> {
  const { json, isDryRun, force } = options;
  const plan = await planReconcile(reconcile);
  const objection = whyImplausible(plan, limits);
  if (!json) showPlan(plan, isDryRun);
  const isRefused = objection !== undefined && !force;
  if (isRefused) writeWords(`${objection} (--force or --max-delete carries it out)\n`);
  if (isDryRun || isRefused) {
    if (json) printJson(plan, objection, undefined);
    // When an administrator has confirmed it, the same command works: START goes on without it until then.
    return isDryRun ? exitCodes.ok : exitCodes.temporaryFailure;
  }
  if (options.interactive && !isEmptyPlan(plan) && !isWanted(plan, site.asker)) {
    writeWords("Cancelled, nothing is changed\n");
    return exitCodes.differs;
  }
  const outcome = await carryOut(site, options, limits, reconcile, master, plan);
  if (json) printJson(plan, objection, outcome);
  else showOutcome(outcome);
  return outcome.failures.length > 0 ? exitCodes.temporaryFailure : exitCodes.ok;
}

async function carryOut(
  site: SyncSite,
  { force: isForced, "accept-servername": accepts }: SyncOptions,
  limits: RemovalLimits,
  reconcile: ReconcileOptions,
  master: MupdateClient,
  plan: ReconcilePlan,
): Promise<ReconcileOutcome> {
  const { list, config } = site;
  if (accepts) await acceptServerName(list, config.servername);
  const quarantine = site.openQuarantine(master);
  try {
    const move = (name: MailboxName, cause: string) => quarantine.move(name, cause);
    const outcome = await applyPlan(plan, reconcile, { limits, isForced, quarantine: move });
    const { formerServers = [] } = reconcile;
    if (formerServers.length > 0 && outcome.failures.length === 0) await forgetFormerServers(list, formerServers);
    return outcome;
  } finally {
    await quarantine.close();
  }
}

/** Names this server had and the master may know. Throws ConfigError when the name of now is not the one of before. */
async function formerNames({ config, list }: SyncSite, options: SyncOptions): Promise<readonly string[]> {
  const { servername } = config;
  const { current, formers } = readServerNames(list);
  const isRenamed = current !== undefined && current !== servername;
  if (isRenamed && options["accept-servername"]) return [...formers.filter((each) => each !== servername), current];
  if (!options.isDryRun) return requireServerName(list, servername);
  if (isRenamed) writeWords(`servername is "${servername}" and was "${current}": -m will want --accept-servername\n`);
  return formers;
}

/** "20" mailboxes, or "5%" of them; otherwise what the configuration allows. */
export function readLimits(
  text: string | undefined,
  config: Pick<Config, "reconcile_limit" | "reconcile_limit_percent">,
): RemovalLimits {
  if (text === undefined) return removalLimits(config);
  const [, digits, sign] = /^(\d{1,9})(%?)$/.exec(text) ?? [];
  const amount = Number(digits);
  if (digits === undefined || (sign === "%" && amount > 100)) {
    throw new UsageError(`--max-delete: "${text}" is neither a number of mailboxes nor a share such as 5%`);
  }
  return sign === "%" ? { count: 0, percent: amount } : { count: amount, percent: 0 };
}

function isWanted({ remove, quarantine, activate }: ReconcilePlan, asker: Asker = terminalAsker): boolean {
  const steps = `withdraw ${remove.length}, announce ${activate.length}, move ${quarantine.length} to quarantine`;
  return confirm(`OK to ${steps}?`, { yes: false }, asker);
}

/** All of it where it was asked for; else enough to see what is going on. */
function showPlan(plan: ReconcilePlan, isDryRun: boolean): void {
  const lines = describePlan(plan);
  if (isDryRun) writeOutput(lines.map((line) => `${line}\n`).join(""));
  else writeWords(firstLines(lines, "-w shows all").join(""));
}

function showOutcome({ quarantined, failures }: ReconcileOutcome): void {
  for (const { name, to, master } of quarantined) {
    writeWords(`In quarantine: ${name} is now ${to}; the master has ${name} at ${master}\n`);
  }
  for (const { name, reason } of failures) writeWords(`Failed: ${name}: ${reason}\n`);
}

function printJson(plan: ReconcilePlan, objection: string | undefined, outcome: ReconcileOutcome | undefined): void {
  const report = { plan: planAsJson(plan), objection: objection ?? null, outcome: outcome ?? null };
  writeOutput(`${JSON.stringify(report)}\n`);
}
