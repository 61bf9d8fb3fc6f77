// A backend dies or hangs under very many sessions of one frontend that have its mailboxes selected: how long until all are
// back, what that costs, whether anyone was hung up on or miscounts, and whether clients of the other backend notice (N11).
//
//   bun bench/mass-return.ts --sessions 10000
//
//   --users N       whose INBOXes are selected, in turn (200)
//   --before F      the part of the mailboxes that change while everybody has them selected (0.3)
//   --meanwhile F   the part that change while the backend is away and when it is just back (0.2)
//   --sample N      sessions that are asked what every number stands for (200)
//   --hang S        the backend is stopped for so long instead of killed
//   --timeout S     the frontend's proxy_response_timeout (120)
//   --losses N      so often in all it is killed; only the last is measured, but memory must not grow with each (1)
//   --away S        so long it stays away (0)
//
// One process can have as many descriptors as it may: the sessions are spread over as many workers of the frontend as that
// takes. Prints one JSON line; ends with 1 if a session was lost or miscounts.

import { parseArgs } from "node:util";
import { CountedMailbox } from "../test/support/counted-mailbox.ts";
import { ImapWire } from "../test/support/imap-wire.ts";
import { LmtpWire } from "../test/support/lmtp-wire.ts";
import { openAll, sideBySide } from "./mass-return/held.ts";
import { NoopWatch } from "./mass-return/noop-watch.ts";
import { ReturnWatch } from "./mass-return/return-watch.ts";
import { startOwnMurder, type Worker } from "./own-murder.ts";
import { mostDescriptors, processorTimes, pssOf, usedBetween } from "./process-use.ts";

const { values: flags } = parseArgs({
  options: {
    sessions: { type: "string", default: "1000" },
    users: { type: "string", default: "200" },
    before: { type: "string", default: "0.3" },
    meanwhile: { type: "string", default: "0.2" },
    sample: { type: "string", default: "200" },
    hang: { type: "string", default: "0" },
    timeout: { type: "string", default: "120" },
    losses: { type: "string", default: "1" },
    away: { type: "string", default: "0" },
  },
});
const sessions = Number(flags.sessions);
const users = Math.min(Number(flags.users), sessions);
const messagesEach = 6;
const sparedDescriptors = 300;
const deadlineMs = 240_000;

setTimeout(() => {
  console.error("no end");
  process.exit(1);
}, deadlineMs * 2).unref();

await using murder = await startOwnMurder({ users: users + 1, frontend: [`proxy_response_timeout: ${flags.timeout}`] });
const { target, other } = murder;
const be1 = () => target.processes.be1!;
const passwords = { admin: target.proxy, passwordOf: () => target.password };
const names = Array.from({ length: users }, (_, index) => `u${index + 1}`);
const bystander = `u${users + 1}`;

function log(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`);
}

// ---- before

await create(other, [bystander]);
await create(target.imap, names);
const workers = await startWorkers();
const pids = workers.map(({ pid }) => pid);
await seen(names.at(-1)!);
const emptyKb = { frontend: pssOf(pids), backend: pssOf([be1()]) };
log(`${users} users, ${workers.length} workers`);

const openStart = performance.now();
const held = await openAll({
  ...{ sessions, users: names, passwords },
  addresses: workers.map(({ address }) => address),
});
log(`${held.length} sessions open after ${Math.round(performance.now() - openStart)} ms`);
await sideBySide(8, part(names, Number(flags.before), 0), (user) => change(user, 1));
const heldKb = { frontend: pssOf(pids), backend: pssOf([be1()]) };
using noops = await NoopWatch.start(await logIn(workers[0]!.address, bystander));
await Bun.sleep(3_000);

for (let loss = 1; loss < Number(flags.losses); loss += 1) {
  await murder.kill("be1");
  await murder.startAgain("be1");
  await new ReturnWatch(be1(), sessions).untilAll(performance.now() + deadlineMs);
  await Bun.sleep(1_000);
  log(`loss ${loss}: the frontend has ${pssOf(pids)} KB`);
}

// ---- the loss

noops.phase = "loss";
const used = [processorTimes(pids), processorTimes([be1()])] as const;
const lostAt = performance.now();
const changedMeanwhile = part(names, Number(flags.meanwhile), 0.5);
const hangMs = Number(flags.hang) * 1000;
let refused = 0;
let lostKb: number | undefined;
if (hangMs > 0) await hang();
else await killAndStart();
const startedAt = performance.now();
noops.phase = "return";
const watch = new ReturnWatch(be1(), sessions);
await sideBySide(8, changedMeanwhile, (user) => change(user, 2));
log(`${changedMeanwhile.length} mailboxes changed`);
const isBack = await watch.untilAll(startedAt + deadlineMs);
const returnMs = performance.now() - startedAt;
const cpuMs = {
  frontend: usedBetween(used[0], processorTimes(pids)),
  backend: hangMs > 0 ? usedBetween(used[1], processorTimes([be1()])) : [...processorTimes([be1()]).values()][0]!,
};
noops.phase = "after";
log(`${isBack ? "all" : "not all"} back after ${Math.round(returnMs)} ms`);

// ---- the truth

const backKb = { frontend: pssOf(pids), backend: pssOf([be1()]) };
const truths = new Map<string, readonly (number | undefined)[]>();
for (const user of names) {
  using imap = await logIn(target.imap, user);
  truths.set(user, [...(await (await CountedMailbox.select(imap, "INBOX")).look())]);
}
const step = Math.max(1, Math.floor(sessions / Number(flags.sample)));
const faults: string[] = [];
let disconnected = 0;
let closed = 0;
let late = 0;
let wrong = 0;
await sideBySide(16, [...held.keys()], async (index) => {
  const { user, imap, mailbox, idles } = held[index]!;
  try {
    if (idles) mailbox.hear(await imap.done());
    let answer = await mailbox.news();
    if (answer.status !== "OK") {
      late += 1;
      for (let tries = 0; answer.status !== "OK" && tries < 100; tries += 1) {
        await Bun.sleep(100);
        answer = await mailbox.news();
      }
    }
    if (index % step !== 0) return;
    const looked = await mailbox.look();
    if (JSON.stringify(looked) !== JSON.stringify(truths.get(user))) {
      wrong += 1;
      faults.push(`${user}: ${looked} instead of ${truths.get(user)}`);
    }
  } catch (fault) {
    const text = String(fault);
    if (text.includes("closed by the server")) disconnected += 1;
    else if (text.includes("[CLOSED]")) closed += 1;
    else wrong += 1;
    faults.push(`${user}: ${text}`);
  }
});
for (const text of faults.slice(0, 10)) log(text);
await Bun.sleep(5_000);
const laterKb = { frontend: pssOf(pids), backend: pssOf([be1()]) };

console.log(
  JSON.stringify({
    ...{ sessions, users, workers: workers.length, disconnected, closed, wrong, late, refused, isBack },
    ...{ awayMs: Math.round(startedAt - lostAt), returnMs: Math.round(returnMs), ...watch.rates() },
    ...{
      cpuMs,
      cpuMsPerSession: perSession(cpuMs),
      kb: { empty: emptyKb, held: heldKb, lost: lostKb, back: backKb, later: laterKb },
    },
    noop: noops.figures(),
  }),
);
for (const { imap } of held) imap[Symbol.dispose]();
if (disconnected + closed + wrong > 0 || !isBack) process.exitCode = 1;

// ---- steps

async function killAndStart(): Promise<void> {
  await murder.kill("be1");
  // The LMTP service goes on: what it takes now nobody hears of before the backend is back.
  using lmtp = await LmtpWire.open(passwords, target.lmtp!);
  for (const user of changedMeanwhile) await lmtp.deliver([user], message(2));
  await Bun.sleep(Number(flags.away) * 1000);
  lostKb = pssOf(pids);
  await murder.startAgain("be1");
}

/** A twentieth of the clients that are not in IDLE asks for something meanwhile, and must not wait longer than it may. */
async function hang(): Promise<void> {
  process.kill(be1(), "SIGSTOP");
  const asking = held.filter(({ idles }, index) => !idles && index % 20 === 1);
  const answers = Promise.all(asking.map(({ mailbox }) => mailbox.news()));
  await Bun.sleep(hangMs);
  process.kill(be1(), "SIGCONT");
  const statuses = (await answers).map(({ status }) => status);
  log(`of ${asking.length} that asked ${statuses.filter((status) => status === "OK").length} were answered OK`);
  refused = statuses.filter((status) => status === "NO").length;
}

function logIn(address: string, user: string): Promise<ImapWire> {
  return ImapWire.login(passwords, address, user, deadlineMs);
}

async function create(address: string, users: readonly string[]): Promise<void> {
  using admin = await logIn(address, target.admin);
  for (const user of users) await admin.ok(`CREATE user.${user}`);
  await sideBySide(8, users, async (user) => {
    using imap = await logIn(address, user);
    for (let at = 0; at < messagesEach; at += 1) await imap.append("INBOX", message(at));
  });
}

async function startWorkers(): Promise<readonly Worker[]> {
  const count = Math.ceil((sessions * 2) / (mostDescriptors() - sparedDescriptors));
  return await Promise.all(Array.from({ length: count }, () => murder.addFrontend()));
}

/** Waits until the frontend knows the last mailbox. */
async function seen(user: string): Promise<void> {
  using imap = await logIn(workers[0]!.address, user);
  for (let tries = 0; (await imap.command("SELECT INBOX")).status !== "OK"; tries += 1) {
    if (tries === 400) throw new Error("the frontend does not learn of the mailboxes");
    await Bun.sleep(50);
  }
}

/** One message goes, one comes, and the flags of one change. */
async function change(user: string, round: number): Promise<void> {
  using imap = await logIn(target.imap, user);
  await imap.ok("SELECT INBOX");
  await imap.ok(`STORE ${round} +FLAGS.SILENT (\\Deleted)`);
  await imap.ok("EXPUNGE");
  await imap.append("INBOX", message(round));
  await imap.ok("STORE 1 +FLAGS.SILENT (\\Flagged)");
}

function part<T>(all: readonly T[], share: number, from: number): readonly T[] {
  const first = Math.floor(all.length * from);
  return [...all.slice(first), ...all.slice(0, first)].slice(0, Math.round(all.length * share));
}

function message(at: number): string {
  return `From: a@example.org\r\nSubject: letter ${at}\r\n\r\nHello\r\n`;
}

function perSession(ms: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(ms).map(([where, each]) => [where, Math.round((each * 100) / sessions) / 100]),
  );
}
