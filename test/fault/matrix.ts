// The whole fault matrix with real processes: every operation, stopped at each of its steps, under every fault. Prints a
// table; --json one line a cell. --victim, --operation and --step select by what their text contains. Exit code 1 when an
// invariant was violated.

import { parseArgs } from "node:util";
import { faults } from "./support/faults.ts";
import { Arena, type CellResult, roundsOf } from "./support/round.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    victim: { type: "string", default: "" },
    order: { type: "string", default: "" },
    operation: { type: "string", default: "" },
    step: { type: "string", default: "" },
  },
});

/** A fresh murder now and then: nothing is ever tidied up, and lists would grow. */
const roundsEach = 25;

let cellsRun = 0;
let violated = 0;

function show(result: CellResult): void {
  cellsRun += 1;
  if (result.violations.length > 0) violated += 1;
  if (values.json) {
    console.log(JSON.stringify(result));
    return;
  }
  const { operation, step, victim, order, answer, healedMs, violations } = result;
  const words = [operation, step, victim, order, answer, `${healedMs} ms`];
  console.log(`${words.join(" | ")} | ${violations.length === 0 ? "ok" : `VIOLATED: ${violations.join("; ")}`}`);
}

let arena = await Arena.open();
try {
  const cells = (await arena.cells()).filter(
    ({ operation, step }) => operation.title.includes(values.operation) && step.includes(values.step),
  );
  const chosen = faults.filter(({ victim, order }) => victim.includes(values.victim) && order.includes(values.order));
  let rounds = 0;
  for (const fault of chosen) {
    for (const round of roundsOf(cells)) {
      rounds += 1;
      if (rounds % roundsEach === 0) {
        await arena[Symbol.asyncDispose]();
        arena = await Arena.open();
      }
      for (const result of await arena.run(round, fault)) show(result);
    }
  }
} finally {
  await arena[Symbol.asyncDispose]();
}
if (!values.json) console.log(`${cellsRun} cells, ${violated} violated`);
process.exit(violated === 0 ? 0 : 1);
