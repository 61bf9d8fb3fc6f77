// One murder for all tests of a file, started before the first and ended after the last.

import { afterAll, beforeAll } from "bun:test";
import { type Murder, startMurder } from "./murder.ts";

const limitMs = 60_000;

/** Call at the top of the file. `given` gets the murder when it is up. */
export function shareMurder(given: (murder: Murder) => void): void {
  let murder: Murder | undefined;
  beforeAll(async () => {
    murder = await startMurder();
    given(murder);
  }, limitMs);
  afterAll(async () => {
    await murder?.[Symbol.asyncDispose]();
  }, limitMs);
}
