// The demo's life: prepares the folder, starts the nodes, furnishes them the first time, tells that all is up, and stops
// everything when it is asked to, at whatever point it is.

import { join } from "node:path";
import { type Clock, systemClock } from "../../base/clock.ts";
import { describeFault, No } from "../../base/fault.ts";
import { AlreadyRunning, claimPidFile, type PidFile } from "../../master/pid-file.ts";
import { exitCodes } from "../exit-code.ts";
import { writeOutput, writeWords } from "../output.ts";
import { type DemoState, lockName, openState, prepareFolder, registerAccounts, writeState } from "./accounts.ts";
import { prepareCertificates } from "./certificates.ts";
import { catchUp, furnish, openSender } from "./furnish.ts";
import { importMail } from "./import-mail.ts";
import { type MailSource, openMailSource } from "./mail-source.ts";
import { writeNodeConfigs } from "./node-config.ts";
import { NodeProcess } from "./node-process.ts";
import type { DemoPlan } from "./plan.ts";
import { requireFreePorts } from "./ports.ts";
import { reportJson, reportWords } from "./report.ts";

export interface DemoOptions {
  readonly plan: DemoPlan;
  /** The command line of our master program. */
  readonly master: readonly string[];
  /** How the reader calls iatlas. */
  readonly ownCommand: string;
  /** Puts our programs where `master` is. */
  readonly prepare: () => void;
  readonly json: boolean;
  readonly import: { readonly path: string; readonly user: string } | undefined;
}

const readyMs = 20_000;
/** Their messages reach the disk together. */
const sendersAtOnce = 6;

/** Runs until a signal; gives the exit code. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const startedMs = systemClock.monotonic();
  const interruption = new AbortController();
  let interruptedMs = Number.POSITIVE_INFINITY;
  const onSignal = (name: string) => {
    // Somebody in a hurry: the nodes end with us. Under npm one Ctrl-C comes twice.
    if (name === "SIGINT" && systemClock.monotonic() - interruptedMs > hurryMs) process.exit(130);
    interruptedMs = Math.min(interruptedMs, systemClock.monotonic());
    interruption.abort(new Interrupted(name));
  };
  for (const name of endingSignals) process.on(name, onSignal);
  const nodes: NodeProcess[] = [];
  let lock: PidFile | undefined;
  try {
    lock = lockFolder(options.plan);
    await bringUp(options, nodes, interruption.signal, startedMs);
    for (const node of nodes) void tellOfEnd(node, options);
    await aborted(interruption.signal);
    return exitCodes.ok;
  } catch (fault) {
    if (fault instanceof Interrupted) return exitCodes.ok;
    throw fault;
  } finally {
    if (!options.json && nodes.length > 0) writeWords("Stopping …\n");
    await Promise.all(nodes.map((node) => node.stop()));
    lock?.release();
    for (const name of endingSignals) process.off(name, onSignal);
  }
}

/** Two demos in one folder would write over each other's files. */
function lockFolder(plan: DemoPlan): PidFile {
  prepareFolder(plan);
  try {
    return claimPidFile(join(plan.folder, lockName), process.pid);
  } catch (fault) {
    if (!(fault instanceof AlreadyRunning)) throw fault;
    throw new No("INUSE", `Another demo runs in "${plan.folder}"`, { cause: fault });
  }
}

/** A second Ctrl-C that comes later than this ends at once. */
const hurryMs = 500;
const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

class Interrupted extends Error {
  override readonly name = "Interrupted";
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // A pending promise alone does not keep a process alive, the nodes being watched do; the interval is for when all have ended.
  const alive = setInterval(() => {}, 60_000);
  return new Promise((resolve) =>
    signal.addEventListener(
      "abort",
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    ),
  );
}

async function bringUp(
  options: DemoOptions,
  nodes: NodeProcess[],
  signal: AbortSignal,
  startedMs: number,
): Promise<void> {
  const { plan, json } = options;
  // What is wrong with --import is said before five servers are started.
  const source = options.import && (await openMailSource(options.import.path));
  requireFreePorts(plan);
  const state = openState(plan);
  options.prepare();
  await Promise.all([registerAccounts(plan, state.accounts), prepareCertificates(plan, systemClock.now())]);
  writeNodeConfigs(plan, state.accounts);
  signal.throwIfAborted();
  for (const node of plan.nodes) {
    const started = new NodeProcess(node, options.master, systemClock);
    nodes.push(started);
    // A backend that cannot agree with the MUPDATE master at its start tries again only a second later.
    if (node === plan.mupdate) await started.listening("mupdate", readyMs, signal);
  }
  await Promise.all(nodes.map((node) => node.ready(readyMs, signal)));
  await prepareMail(plan, state, systemClock);
  signal.throwIfAborted();
  const seconds = (systemClock.monotonic() - startedMs) / 1000;
  if (source) await importInto(options, state, source, signal);
  const pids = Object.fromEntries(nodes.map(({ node, pid }) => [node.name, pid]));
  const report = { plan, accounts: state.accounts, pids };
  writeOutput(json ? reportJson(report) : reportWords(report, seconds, options.ownCommand));
}

async function prepareMail(plan: DemoPlan, state: DemoState, clock: Clock): Promise<void> {
  if (state.isFurnished) return catchUp(plan);
  await furnish(plan, state.accounts, clock.now());
  writeState(plan, { ...state, isFurnished: true });
}

async function importInto(
  options: DemoOptions,
  state: DemoState,
  source: MailSource,
  signal: AbortSignal,
): Promise<void> {
  const { path, user } = options.import!;
  const opening = Array.from({ length: sendersAtOnce }, () => openSender(options.plan, state.accounts.admin));
  const senders = await Promise.all(opening);
  try {
    const report = (name: string, problem: string) => writeWords(`\n${name}: ${problem}\n`);
    const result = await importMail({ source, recipient: user, senders, clock: systemClock, signal, report });
    const failures = result.failed > 0 ? `, ${result.failed} were not` : "";
    writeWords(`${result.delivered} messages from ${path} delivered to ${user}${failures}\n`);
  } catch (fault) {
    if (fault instanceof Interrupted) throw fault;
    throw new No("UNAVAILABLE", `Cannot import "${path}": ${describeFault(fault)}`, { cause: fault });
  } finally {
    for (const sender of senders) sender.close();
  }
}

/** A node that somebody stops is left stopped: that is how one sees what the others do without it. */
async function tellOfEnd(node: NodeProcess, options: DemoOptions): Promise<void> {
  await node.exited;
  if (!node.isStopping)
    writeWords(`${node.node.name} has ended; start it again with:\n  ${node.commandLine(options.master)}\n`);
}
