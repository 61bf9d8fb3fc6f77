// How long a new mailbox takes from the master to a frontend: from the moment ACTIVATE is sent until LIST at the frontend
// shows it. The frontend is asked again as soon as it has answered.

import { type Rate, rateOf } from "./rate.ts";
import { isGood, logInImap, type Wire } from "./wire.ts";

export interface VisibleOptions {
  /** IMAP of the frontend. */
  readonly frontend: string;
  readonly admin: string;
  readonly password: string;
  /** Names of the new mailboxes begin so. */
  readonly prefix: string;
  /** So many, or as many as there is time for. */
  readonly count: number;
  readonly mostMs: number;
}

export async function measureVisible(master: Wire, options: VisibleOptions): Promise<Rate> {
  const { frontend, admin, password, prefix, mostMs } = options;
  const imap = await logInImap(frontend, admin, password);
  const latencies: number[] = [];
  const startMs = performance.now();
  for (let index = 0; index < options.count && performance.now() - startMs < mostMs; index += 1) {
    const name = `${prefix}${index}`;
    await master.run(`r RESERVE "${name}" "be9.bench!default"`);
    const sentMs = performance.now();
    const activated = master.run(`a ACTIVATE "${name}" "be9.bench!default" "ann\tlrswipkxtecdan\t"`);
    while (!(await shows(imap, name))) await Bun.sleep(0);
    latencies.push(performance.now() - sentMs);
    await activated;
  }
  const seconds = (performance.now() - startMs) / 1000;
  imap.close();
  return rateOf(latencies, seconds);
}

async function shows(imap: Wire, name: string): Promise<boolean> {
  const { lines } = imap;
  imap.send(`l LIST "" ${name}\r\n`);
  if (!isGood(await imap.next())) throw new Error("LIST was refused");
  return imap.lines > lines;
}
