// What every benchmark gets: the servers, and the way to measure the same thing at each of them in turn.

import type { Figure, Report } from "./figure.ts";
import type { OwnMurder } from "./own-murder.ts";
import { type Load, runLoad } from "./run-load.ts";
import type { Target } from "./target.ts";

export interface Context {
  readonly murder: OwnMurder;
  /** The first is ours. */
  readonly targets: readonly Target[];
  /** How often each figure is measured at each server, in turn; the median is reported. */
  readonly rounds: number;
  readonly seconds: number;
  /** Mailboxes in the list, for those that measure what its size costs. */
  readonly entries: number;
  readonly report: Report;
  /** Only figures whose name has one of these in it; empty: all. */
  readonly only: readonly string[];
}

export interface Measurement {
  readonly bench: string;
  readonly name: string;
  readonly unit: string;
  /** The load's arguments; undefined where a server cannot do it. */
  args(target: Target): readonly string[] | undefined;
  value?(load: Load["measured"]): number;
  readonly budget?: { readonly text: string; isMet(value: number): boolean };
  /** At least so many times as much as the other server. */
  readonly timesPeer?: number;
}

export interface Measured {
  readonly value: number;
  readonly p50Ms: number;
}

/** Returns what was measured of the first server; undefined when it cannot do it. */
export async function measure(context: Context, measurement: Measurement): Promise<Measured | undefined> {
  const { targets, rounds, seconds, report, only } = context;
  const { bench, name, unit, args, budget, timesPeer, value = (load) => load.perSecond } = measurement;
  if (only.length > 0 && !only.some((part) => name.includes(part))) return undefined;
  const all = targets.map((target) => ({ target, args: args(target), loads: [] as Load[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const each of all) {
      if (each.args) each.loads.push(await runLoad([...each.args, "--seconds", String(seconds)]));
    }
  }
  const medians = all.map(({ loads }) => median(loads.map(({ measured }) => value(measured))));
  for (const [index, { target, loads }] of all.entries()) {
    const measured = loads.at(-1);
    const own = medians[index];
    if (!measured || own === undefined) continue;
    const peer = index === 0 ? medians[1] : undefined;
    const values = loads.map(({ measured }) => Math.round(value(measured) * 100) / 100);
    report({
      bench,
      name,
      unit,
      value: Math.round(own * 1000) / 1000,
      ...(targets.length > 1 ? { server: target.name } : {}),
      ...(index === 0 ? judged(own, peer, budget, timesPeer) : {}),
      command: measured.command,
      more: {
        p50Ms: Math.round(measured.measured.p50Ms * 1000) / 1000,
        p99Ms: Math.round(measured.measured.p99Ms * 1000) / 1000,
        ...(values.length > 1 ? { rounds: values.join(" ") } : {}),
        ...(peer ? { timesPeer: Math.round((own / peer) * 10) / 10 } : {}),
      },
    });
  }
  const p50Ms = median(all[0]?.loads.map(({ measured }) => measured.p50Ms) ?? []);
  return medians[0] === undefined || p50Ms === undefined ? undefined : { value: medians[0], p50Ms };
}

function judged(
  own: number,
  peer: number | undefined,
  budget: Measurement["budget"],
  timesPeer: number | undefined,
): Pick<Figure, "budget" | "isMet"> {
  if (budget) return { budget: budget.text, isMet: budget.isMet(own) };
  if (!peer || timesPeer === undefined) return {};
  return { budget: `${(own / peer).toFixed(1)}x of >= ${timesPeer}x`, isMet: own / peer >= timesPeer };
}

export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

export function atLeast(limit: number, unit: string): NonNullable<Measurement["budget"]> {
  return { text: `>= ${limit.toLocaleString("en-US")} ${unit}`, isMet: (value) => value >= limit };
}

export function atMost(limit: number, unit: string): NonNullable<Measurement["budget"]> {
  return { text: `<= ${limit.toLocaleString("en-US")} ${unit}`, isMet: (value) => value <= limit };
}
