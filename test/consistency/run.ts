// Random clients on both frontends of a murder of real processes, and one model that foretells every answer. After each round
// every server must show exactly what the model has. A seed is a history: the same commands in the same order of each client.

import { parseArgs } from "node:util";
import { playConsistency } from "./play.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    minutes: { type: "string", default: "1" },
    clients: { type: "string", default: "6" },
    log: { type: "string" },
  },
});

const result = await playConsistency({
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  clients: Number(values.clients),
  log: values.log,
});
for (const difference of result.differences) console.error(`${difference}\n`);
const { differences, ...rest } = result;
console.log(JSON.stringify({ ...rest, differences: differences.length }));
process.exit(differences.length === 0 ? 0 : 1);
