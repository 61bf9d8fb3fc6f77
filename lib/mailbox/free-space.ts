// How much room servers and partitions have, and which of several to put a new mailbox on: the select modes of Cyrus. In its
// annotations a server says "available;total", both in KiB (`/shared/vendor/cmu/cyrus-imapd/freespace/…`).

import { stat, statfs } from "node:fs/promises";

export interface Space {
  readonly availableKiB: number;
  readonly totalKiB: number;
}

export type SelectMode =
  | "random"
  | "freespace-most"
  | "freespace-percent-most"
  | "freespace-percent-weighted"
  | "freespace-percent-weighted-delta";

/** The room of the folders' file systems, each counted once. Folders that cannot be looked at are left out. */
export async function spacesOf(folders: Iterable<string>): Promise<readonly Space[]> {
  const found = new Map<number, Space>();
  for (const folder of folders) {
    try {
      const { dev } = await stat(folder);
      const { bsize, blocks, bavail } = await statfs(folder);
      found.set(dev, {
        availableKiB: Math.floor((bavail * bsize) / 1024),
        totalKiB: Math.floor((blocks * bsize) / 1024),
      });
    } catch {
      // Not mounted, or gone: no room there.
    }
  }
  return [...found.values()];
}

export function totalOf(spaces: readonly Space[]): Space | undefined {
  if (spaces.length === 0) return undefined;
  return spaces.reduce((sum, each) => ({
    availableKiB: sum.availableKiB + each.availableKiB,
    totalKiB: sum.totalKiB + each.totalKiB,
  }));
}

/** The one with the greatest share of free room. */
export function emptiestOf(spaces: readonly Space[]): Space | undefined {
  return spaces.toSorted((a, b) => freePercent(b) - freePercent(a))[0];
}

export function formatSpace({ availableKiB, totalKiB }: Space): string {
  return `${availableKiB};${totalKiB}`;
}

/** Undefined for anything else than "available;total". */
export function parseSpace(text: string): Space | undefined {
  const [, available, total] = /^(\d{1,15});(\d{1,15})$/.exec(text) ?? [];
  return total === undefined ? undefined : { availableKiB: Number(available), totalKiB: Number(total) };
}

/**
 * Chooses one by its room. Those that are used by more than `softLimitPercent` are chosen only when all are; 0 is no limit.
 * `random` gives 0 ≤ n < 1. Throws for an empty choice.
 */
export function chooseBySpace<Candidate extends Space>(
  candidates: readonly Candidate[],
  mode: SelectMode,
  softLimitPercent: number,
  random: () => number,
): Candidate {
  const isRoomy = (each: Space) => softLimitPercent === 0 || 100 - freePercent(each) <= softLimitPercent;
  const roomy = candidates.filter(isRoomy);
  return chooseWeighted(roomy.length > 0 ? roomy : candidates, weights[mode], random);
}

function freePercent({ availableKiB, totalKiB }: Space): number {
  return totalKiB === 0 ? 0 : (100 * availableKiB) / totalKiB;
}

/** The chance of each; those of a mode that takes the best are 0 but for it. */
const weights: Readonly<Record<SelectMode, (of: readonly Space[]) => readonly number[]>> = {
  random: (of) => of.map(() => 1),
  "freespace-most": (of) => onlyBest(of.map(({ availableKiB }) => availableKiB)),
  "freespace-percent-most": (of) => onlyBest(of.map(freePercent)),
  "freespace-percent-weighted": (of) => of.map(freePercent),
  "freespace-percent-weighted-delta": (of) => {
    const percents = of.map(freePercent);
    const worst = Math.min(...percents);
    return percents.map((percent) => percent - worst + smallestChance);
  },
};

/** In percent: the fullest is chosen now and then, too. */
const smallestChance = 0.5;

function onlyBest(figures: readonly number[]): readonly number[] {
  const best = figures.indexOf(Math.max(...figures));
  return figures.map((_, at) => (at === best ? 1 : 0));
}

function chooseWeighted<Candidate extends Space>(
  candidates: readonly Candidate[],
  weigh: (of: readonly Space[]) => readonly number[],
  random: () => number,
): Candidate {
  const chances = weigh(candidates);
  let left = random() * chances.reduce((sum, each) => sum + each, 0);
  const chosen = candidates.find((_, at) => {
    left -= chances[at] ?? 0;
    return left < 0;
  });
  const found = chosen ?? candidates[0]; // all are full
  if (!found) throw new Error("nothing to choose from");
  return found;
}
