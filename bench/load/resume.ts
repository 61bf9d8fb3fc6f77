// A replica that was away comes back: how long it takes, with its login, until it has heard what it missed. From a server
// that knows RESUME (lib/mupdate/extension.ts) it hears just that, from any other the whole list.

import { type Rate, rateOf } from "./rate.ts";
import type { Wire } from "./wire.ts";

export interface Resumed extends Rate {
  /** Lines that came while it was measured. */
  readonly lines: number;
}

/** What `open` has to listen for. */
export const resumeKeywords = ["X-IATLAS", "SEQUENCE"];

/** `changes`: of mailboxes PREFIX0, PREFIX1, … that are there. */
export async function measureResume(open: () => Promise<Wire>, prefix: string, changes: number): Promise<Resumed> {
  const before = await open();
  const feed = heardString(before, "X-IATLAS");
  if (feed !== undefined) await before.run('u RESUME "" "0"');
  const sequence = heardString(before, "SEQUENCE");
  before.close();

  const writer = await open();
  const work = async (worker: number) => {
    for (let index = worker; index < changes; index += 16) {
      const acl = `ann\tlrswipkxtecdan\tu${process.pid}\tlr\t`;
      await writer.run(`w${worker} ACTIVATE "${prefix}${index}" "be9.bench!default" "${acl}"`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)));
  writer.close();

  const startMs = performance.now();
  const after = await open();
  const linesBefore = after.lines;
  await after.run(feed === undefined ? "u UPDATE" : `u RESUME "${feed}" "${sequence}"`);
  const ms = performance.now() - startMs;
  after.close();
  return { ...rateOf([ms], ms / 1000), lines: after.lines - linesBefore };
}

function heardString(wire: Wire, keyword: string): string | undefined {
  return /"([^"]*)"/.exec(wire.heard.findLast((line) => line.includes(keyword)) ?? "")?.[1];
}
