// Memory and descriptors of a murder's processes over time, from /proc.

import { readdirSync, readFileSync } from "node:fs";
import type { Murder, NodeName } from "../support/murder.ts";

export const nodes: readonly NodeName[] = ["mupdate", "backend1", "backend2", "frontend1", "frontend2"];

interface Sample {
  readonly atMs: number;
  readonly residentKb: number;
  readonly descriptors: number;
}

export interface Series {
  readonly node: NodeName;
  readonly program: string;
  readonly pid: number;
  readonly samples: Sample[];
}

export interface Trend {
  readonly what: string;
  readonly minutes: number;
  readonly residentKb: readonly [first: number, last: number];
  readonly residentKbPerMinute: number;
  readonly descriptors: readonly [first: number, last: number];
  readonly descriptorsPerMinute: number;
}

export class Resources {
  readonly #murder: Murder;
  readonly #series = new Map<number, Series>();

  constructor(murder: Murder) {
    this.#murder = murder;
  }

  sample(): void {
    const atMs = performance.now();
    for (const node of nodes) {
      for (const { pid, program } of this.#murder.programs(node)) {
        const now = sampleOf(pid, atMs);
        if (!now || program === "") continue;
        const series = this.#series.get(pid) ?? { node, program, pid, samples: [] };
        series.samples.push(now);
        this.#series.set(pid, series);
      }
    }
  }

  /** Of the processes that have run from the moment until now. */
  trends(fromMs: number): Trend[] {
    const lastMs = Math.max(...[...this.#series.values()].map(({ samples }) => samples.at(-1)!.atMs));
    return [...this.#series.values()].flatMap((series) => {
      const samples = series.samples.filter(({ atMs }) => atMs >= fromMs);
      const [first, last] = [samples[0], samples.at(-1)];
      if (!first || !last || last.atMs < lastMs || last.atMs - first.atMs < (lastMs - fromMs) * 0.8) return [];
      return [
        {
          what: `${series.node} ${series.program}`,
          minutes: (last.atMs - first.atMs) / 60_000,
          residentKb: [first.residentKb, last.residentKb] as const,
          residentKbPerMinute: slope(samples, ({ residentKb }) => residentKb),
          descriptors: [first.descriptors, last.descriptors] as const,
          descriptorsPerMinute: slope(samples, ({ descriptors }) => descriptors),
        },
      ];
    });
  }

  /** The latest of each process. */
  latest(): Map<string, Sample> {
    return new Map(
      [...this.#series.values()].map(({ node, program, samples }) => [`${node} ${program}`, samples.at(-1)!]),
    );
  }
}

/** undefined for a process that has ended. */
function sampleOf(pid: number, atMs: number): Sample | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const residentKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    return { atMs, residentKb, descriptors };
  } catch {
    return undefined;
  }
}

/** Least squares, per minute. */
function slope(samples: readonly Sample[], measure: (sample: Sample) => number): number {
  const points = samples.map((sample) => ({ x: sample.atMs / 60_000, y: measure(sample) }));
  const mean = (valueFor: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + valueFor(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread;
}
