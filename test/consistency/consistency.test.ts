// A short consistency run; `bun test/consistency/run.ts` makes long ones.

import { expect, test } from "bun:test";
import { playConsistency } from "./play.ts";

test("clients on both frontends are answered as by one server, and all servers show the same (S30)", async () => {
  const result = await playConsistency({ seed: 20261124, minutes: 0, rounds: 1, clients: 4, packets: 12 });
  expect(result.differences).toEqual([]);
  expect(result.ok).toBeGreaterThan(50);
}, 90_000);
