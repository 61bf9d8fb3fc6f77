// Our frontend against other proxies before the same backend (and other murders' frontends before theirs), in turn: how
// fast, how much later than without them, and with how much processor time and memory.

import { type Contestant, contestantsOf } from "./contestants.ts";
import { type Context, median } from "./context.ts";
import { benchMailbox } from "./prepare.ts";
import { processorTimes, usedBetween } from "./process-use.ts";
import { startProxies } from "./proxies.ts";
import { measureProxyMemory } from "./proxy-memory.ts";
import { ProxyTable } from "./proxy-table.ts";
import { type Load, runLoad } from "./run-load.ts";

interface Task {
  readonly what: string;
  readonly unit: "1/s" | "MB/s";
  readonly clients: readonly number[];
  readonly args: readonly string[];
}

const inMailbox = ["command", "--select", benchMailbox, "--command"];
const tasks: readonly Task[] = [
  { what: "NOOP", unit: "1/s", clients: [1, 16, 64], args: [...inMailbox, "NOOP"] },
  { what: "FETCH of 4 KB", unit: "1/s", clients: [1, 16, 64], args: [...inMailbox, "UID FETCH 1 BODY.PEEK[]"] },
  { what: "FETCH of 1 MB", unit: "MB/s", clients: [1, 8], args: [...inMailbox, "UID FETCH 2 BODY.PEEK[]"] },
  { what: "login", unit: "1/s", clients: [1, 16], args: ["login"] },
  { what: "login and SELECT", unit: "1/s", clients: [1, 16], args: ["login", "--select", "INBOX"] },
];

/** What one load measured at one of them. */
interface Sample {
  readonly value: number;
  readonly p50Ms: number;
  /** Processor time of the proxy for one command, 0 where it is not known. */
  readonly cpuMicroseconds: number;
}

export async function benchProxy(context: Context): Promise<void> {
  const table = new ProxyTable();
  {
    await using proxies = await startProxies(context.murder.target.imap, 1);
    const contestants = contestantsOf(context, proxies.all);
    for (const task of tasks) {
      for (const clients of task.clients) await compare(context, table, contestants, task, clients);
    }
  }
  if (isWanted(context, "idle session")) await measureProxyMemory(context, table);
  process.stderr.write(`\n${table.format()}`);
}

function isWanted({ only }: Context, name: string): boolean {
  return only.length === 0 || only.some((part) => name.includes(part));
}

async function compare(
  context: Context,
  table: ProxyTable,
  contestants: readonly Contestant[],
  task: Task,
  clients: number,
): Promise<void> {
  const name = `${task.what}, ${clients} client${clients === 1 ? "" : "s"}`;
  if (!isWanted(context, name)) return;
  const samples = new Map<string, Sample[]>(contestants.map((each) => [each.name, []]));
  const commands = new Map<string, string>();
  for (let round = 0; round < context.rounds; round += 1) {
    for (const contestant of contestants) {
      const { sample, command } = await measureOnce(contestant, task, clients, context.seconds);
      samples.get(contestant.name)?.push(sample);
      commands.set(contestant.name, command);
    }
  }
  for (const contestant of contestants) {
    const own = samples.get(contestant.name) ?? [];
    const direct = contestant.direct === undefined ? undefined : samples.get(contestant.direct);
    reportOne({ context, table, task, name }, contestant.name, commands.get(contestant.name), own, direct);
  }
}

async function measureOnce(
  { address, user, password, pids }: Contestant,
  { args, unit }: Task,
  clients: number,
  seconds: number,
): Promise<{ readonly sample: Sample; readonly command: string }> {
  const before = processorTimes(pids());
  const { measured, command }: Load = await runLoad([
    ...args,
    ...["--at", address, "--user", user, "--password", password, "--connections", String(clients)],
    ...["--seconds", String(seconds), "--warmup", "0.3"],
  ]);
  const usedMs = usedBetween(before, processorTimes(pids()));
  const value = unit === "MB/s" ? (measured.octetsPerSecond ?? 0) / 1_000_000 : measured.perSecond;
  const cpuMicroseconds = (usedMs * 1000) / Math.max(1, measured.total ?? measured.count);
  return { sample: { value, p50Ms: measured.p50Ms, cpuMicroseconds }, command };
}

interface Subject {
  readonly context: Context;
  readonly table: ProxyTable;
  readonly task: Task;
  readonly name: string;
}

function reportOne(
  { context, table, task, name }: Subject,
  server: string,
  command: string | undefined,
  samples: readonly Sample[],
  direct: readonly Sample[] | undefined,
): void {
  const value = medianOf(samples, (sample) => sample.value);
  const cpu = Math.round(mean(samples.map(({ cpuMicroseconds }) => cpuMicroseconds)) * 10) / 10;
  const ofDirect = medianOf(samples, ({ value }, round) => (100 * value) / (direct?.[round]?.value ?? value));
  const added = medianOf(samples, ({ p50Ms }, round) => 1000 * (p50Ms - (direct?.[round]?.p50Ms ?? p50Ms)));
  context.report({
    ...{ bench: "proxy", name, unit: task.unit, value: Math.round(value * 10) / 10, server },
    ...(command ? { command } : {}),
    more: {
      ...(direct ? { percentOfDirect: Math.round(ofDirect), addedMicroseconds: Math.round(added) } : {}),
      ...(cpu > 0 ? { cpuMicroseconds: cpu } : {}),
      rounds: samples.map((sample) => Math.round(sample.value)).join(" "),
    },
  });
  table.set(`${name}, ${task.unit}`, server, value);
  if (direct && name.endsWith(" 1 client")) table.set(`${name}, µs added`, server, added);
  if (cpu > 0) table.set(`${name}, µs of processor`, server, cpu);
}

function medianOf(samples: readonly Sample[], of: (sample: Sample, round: number) => number): number {
  return median(samples.map(of)) ?? 0;
}

/** Of what the kernel counts in hundredths of a second. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
