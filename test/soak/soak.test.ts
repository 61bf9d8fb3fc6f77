// A short soak; `bun test/soak/run.ts` makes long ones, which also look at what the processes hold in the end.

import { expect, test } from "bun:test";
import { soak } from "./play.ts";

test("while nodes are killed, frozen and restarted nothing is answered wrongly, and nobody is stuck", async () => {
  const result = await soak({ seed: 20261124, minutes: 0.12, roundSeconds: 7, clients: 4, tell: () => {} });
  expect(result.violations).toEqual([]);
  expect(result.ok).toBeGreaterThan(0);
  expect(result.faults).toBeGreaterThan(0);
}, 120_000);
