// What differs between the master's list and others for longer than a change takes. Lists that change while they are compared
// always differ somewhere: a name counts when it is still the same difference after a while, asked again behind everything
// that was on its way then.

import { type Clock, sleep } from "../../base/clock.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import { type MailboxRecord, serverOf } from "../../mupdate/record.ts";
import { compareLists, type ListDifference, type ListView } from "../../murder/compare-lists.ts";
import { inNameOrder } from "../../murder/name-order.ts";
import type { Records, Side } from "./side.ts";
import type { LiveList } from "./whole-list.ts";

export interface Difference extends Omit<ListDifference, "kind"> {
  /** reserved: taken by an operation that does not end. */
  readonly kind: ListDifference["kind"] | "reserved";
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Sides that could not be asked, and why. */
  readonly silent: readonly { readonly source: string; readonly fault: unknown }[];
}

export interface ComparedLists {
  readonly master: LiveList;
  readonly sides: readonly Side[];
  readonly graceMs: number;
  readonly clock: Clock;
}

interface Candidate {
  readonly difference: Difference;
  readonly sinceMs: number;
}

export async function lastingDifferences({ master, sides, graceMs, clock }: ComparedLists): Promise<Comparison> {
  const asked = new Asked(sides);
  let candidates = new Map<string, Candidate>();
  const note = (differences: readonly Difference[], before: ReadonlyMap<string, Candidate>) => {
    candidates = new Map(
      differences.map((difference) => {
        const key = JSON.stringify(difference);
        return [key, before.get(key) ?? { difference, sinceMs: clock.monotonic() }];
      }),
    );
  };
  const first: Difference[] = [...reservations(master.records.values())];
  // One whole list at a time is enough to hold in memory.
  for (const side of sides) {
    const seen = await asked.look(side, undefined, master.records);
    if (seen) first.push(...(await compareLists(master.records.values(), [viewOf(side, seen)])));
  }
  note(withoutRepetition(first), new Map());
  const endMs = clock.monotonic() + 3 * graceMs;
  for (let looks = 0; candidates.size > 0; looks += 1) {
    const youngest = Math.max(...candidates.values().map(({ sinceMs }) => sinceMs));
    const waitMs = youngest + graceMs - clock.monotonic();
    if (looks > 0 && (waitMs <= 0 || clock.monotonic() >= endMs)) break;
    await sleep(clock, Math.max(0, waitMs));
    const names = [...new Set(candidates.values().map(({ difference }) => difference.name))].sort();
    note(await compareNames(master, asked, names), candidates);
  }
  const oldEnoughMs = clock.monotonic() - graceMs;
  const lasting = candidates.values().filter(({ sinceMs }) => sinceMs <= oldEnoughMs);
  const differences = await inNameOrder(lasting.map(({ difference }) => difference).toArray());
  return { differences, silent: asked.silent };
}

/** What differs now of these names. */
async function compareNames(master: LiveList, asked: Asked, names: readonly MailboxName[]): Promise<Difference[]> {
  await master.settle();
  const views: ListView[] = [];
  for (const side of asked.sides) {
    const seen = await asked.look(side, names, master.records);
    if (seen) views.push(viewOf(side, seen));
  }
  await master.settle(); // what was seen there may be newer than our copy
  const records = names.map((name) => master.records.get(name)).filter((record) => record !== undefined);
  const differences = await compareLists(records, views);
  return withoutRepetition([...reservations(records), ...differences]);
}

/** One row for a name that is reserved: where its mailbox is, if it is somewhere, else that it is only reserved. */
function withoutRepetition(differences: readonly Difference[]): Difference[] {
  const reserved = new Set(differences.flatMap(({ kind, name }) => (kind === "reserved" ? [name] : [])));
  const met = new Set(differences.flatMap(({ kind, name }) => (/different|conflicting/.test(kind) ? [name] : [])));
  return differences.filter(({ kind, name }) => {
    if (kind === "stale") return !reserved.has(name);
    return kind !== "reserved" || !met.has(name);
  });
}

function* reservations(records: Iterable<MailboxRecord>): Generator<Difference> {
  for (const { name, state, location } of records) {
    if (state !== "reserved") continue;
    const text = `${name} is only reserved, at ${location}`;
    yield { kind: "reserved", name, source: serverOf(location), there: undefined, master: location, text };
  }
}

function viewOf({ source, kind, hasNamesOnly }: Side, records: Records): ListView {
  const server = kind === "backend" ? { server: source } : {};
  return { source, kind, ...server, records: records.values(), ...(hasNamesOnly && { hasNamesOnly }) };
}

/** The sides that answer. One that fails once is left out from then on. */
class Asked {
  sides: readonly Side[];
  readonly silent: { readonly source: string; readonly fault: unknown }[] = [];

  constructor(sides: readonly Side[]) {
    this.sides = sides;
  }

  async look(side: Side, names: readonly MailboxName[] | undefined, master: Records): Promise<Records | undefined> {
    try {
      return await side.look(names, master);
    } catch (fault) {
      this.silent.push({ source: side.source, fault });
      this.sides = this.sides.filter((each) => each !== side);
      return undefined;
    }
  }
}
