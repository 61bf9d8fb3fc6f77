// The whole matrix of COPY, MOVE and REPLACE: each of their steps, everybody who can be killed there. Prints a table;
// --operation, --step and --victim select by what their text contains. Exit code 1 when an invariant was violated.

import { parseArgs } from "node:util";
import { CopyArena, copyCells } from "./support/copy-round.ts";

const { values } = parseArgs({
  options: {
    operation: { type: "string", default: "" },
    step: { type: "string", default: "" },
    victim: { type: "string", default: "" },
  },
});

const cells = copyCells.filter(
  ({ operation, step, victim }) =>
    operation.title.includes(values.operation) && step.includes(values.step) && victim.includes(values.victim),
);
let violated = 0;
const arena = await CopyArena.open();
try {
  for (const cell of cells) {
    const { operation, step, victim, answer, violations } = await arena.run(cell);
    if (violations.length > 0) violated += 1;
    const words = [operation.title, step, victim, answer.slice(0, 60)].join(" | ");
    console.log(`${words} | ${violations.length === 0 ? "ok" : `VIOLATED: ${violations.join("; ")}`}`);
  }
} finally {
  await arena[Symbol.asyncDispose]();
}
console.log(`${cells.length} cells, ${violated} violated`);
process.exit(violated === 0 ? 0 : 1);
