// Mixed load on a murder of real processes while its nodes are killed, frozen and restarted at random. Prints a line for each
// round and violation, a table of the processes that lived long, and one line of JSON. Exit code 1 at any violation.

import { parseArgs } from "node:util";
import { soak } from "./play.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    minutes: { type: "string", default: "30" },
    clients: { type: "string", default: "6" },
    round: { type: "string", default: "45" },
    log: { type: "string" },
  },
});

const result = await soak({
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  roundSeconds: Number(values.round),
  clients: Number(values.clients),
  log: values.log,
  tell: (line) => console.error(line),
});
const { trends, faultsByKind, violations, ...numbers } = result;
for (const { what, minutes, residentKb, residentKbPerMinute, descriptors, descriptorsPerMinute } of trends) {
  const memory = `${residentKb.map((each) => (each / 1024).toFixed(1)).join(" → ")} MB (${residentKbPerMinute.toFixed(0)} KB/min)`;
  const open = `${descriptors.join(" → ")} descriptors (${descriptorsPerMinute.toFixed(2)}/min)`;
  console.error(`${what.padEnd(24)} ${minutes.toFixed(1)} min  ${memory}  ${open}`);
}
for (const [what, count] of Object.entries(faultsByKind).sort()) console.error(`${what.padEnd(32)} ${count}`);
console.log(JSON.stringify({ ...numbers, violations: violations.length }));
process.exit(violations.length === 0 ? 0 : 1);
