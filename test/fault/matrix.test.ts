// The short form of the fault matrix (the whole of it: `bun test/fault/matrix.ts`): every step of every operation under
// kill -9 of its backend, and every other fault at one step of each operation at least.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { faults } from "./support/faults.ts";
import { Arena, type Cell, roundsOf } from "./support/round.ts";

let arena: Arena;
let rounds: Cell[][];

beforeAll(async () => {
  arena = await Arena.open();
  rounds = roundsOf(await arena.cells());
}, 60_000);

afterAll(async () => {
  await arena?.[Symbol.asyncDispose]();
}, 60_000);

function faultOf(victim: string, order: string) {
  const found = faults.find((each) => each.victim === victim && each.order === order);
  if (!found) throw new Error(`the matrix has no "${victim}: ${order}"`);
  return found;
}

async function expectSound(cells: readonly Cell[], victim: string, order: string): Promise<void> {
  const results = await arena.run(cells, faultOf(victim, order));
  expect(results.filter(({ violations }) => violations.length > 0)).toEqual([]);
  expect(results).toHaveLength(cells.length);
}

test("a backend killed at any step of any operation heals by itself (S124–S134)", async () => {
  expect(rounds.length).toBeGreaterThan(6);
  for (const cells of rounds) {
    const own = cells.filter(({ operation }) => operation.through === "backend"); // the others are the same there
    await expectSound(own, "backend", "backend");
  }
}, 90_000);

/** Each befalls the murder at another step. */
const others = [
  ["backend + master", "backend, master"],
  ["master", "go, master"],
  ["network", "answer lost, go"],
  ["backend, network cut", "backend, network"],
  ["network", "answer lost and cut, go, back"],
  ["replica", "go, replica"],
  ["backend + master + replica", "master, replica, backend"],
  ["frontend", "frontend, go"],
  ["master", "master, go"],
  ["network", "cut, go, back"],
  ["master + replica", "replica, go, master"],
  ["backend + replica", "replica, backend"],
] as const;

for (const [at, [victim, order]] of others.entries()) {
  test(`${victim} (${order}): nothing is lost, stuck, or in two places`, async () => {
    await expectSound(rounds[at % rounds.length]!, victim, order);
  }, 60_000);
}
