// Reading: small bodies, large bodies, and commands that cost nothing but the way there and back.

import { atLeast, atMost, type Context, type Measured, measure } from "./context.ts";
import { imapArgs, places } from "./places.ts";
import { benchMailbox } from "./prepare.ts";

const bench = "fetch";
const megabyte = 1_000_000;

interface Reading {
  readonly what: string;
  readonly command: string;
  readonly clients: readonly number[];
  readonly pipeline?: number;
  readonly timesPeer?: readonly number[];
  readonly largeBodies?: boolean;
}

const readings: readonly Reading[] = [
  { what: "NOOP", command: "NOOP", clients: [1, 64] },
  { what: "FETCH FLAGS", command: "FETCH 1 FLAGS", clients: [1] },
  { what: "4 KB bodies", command: "UID FETCH 1 BODY.PEEK[]", clients: [1, 8, 64], timesPeer: [1, 8] },
  { what: "4 KB bodies, 20 pipelined", command: "UID FETCH 1 BODY.PEEK[]", clients: [1], pipeline: 20 },
  { what: "1 MB bodies", command: "UID FETCH 2 BODY.PEEK[]", clients: [1, 8], largeBodies: true },
];

export async function benchFetch(context: Context): Promise<void> {
  for (const reading of readings) for (const clients of reading.clients) await measureBoth(context, reading, clients);
}

async function measureBoth(context: Context, reading: Reading, clients: number): Promise<void> {
  const { what, command, pipeline = 1, largeBodies, timesPeer } = reading;
  const values: Partial<Record<"direct" | "frontend", Measured>> = {};
  for (const [place, addressOf] of places) {
    const isProxied = place === "frontend";
    const measured = await measure(context, {
      bench,
      name: `${what}, ${place}, ${clients} client${clients > 1 ? "s" : ""}`,
      unit: largeBodies ? "MB/s" : "1/s",
      args: (target) => {
        const address = addressOf(target);
        const common = ["--connections", String(clients), "--pipeline", String(pipeline)];
        return address === undefined ? undefined : [...imapArgs(target, address, benchMailbox, command), ...common];
      },
      value: (load) => (largeBodies ? (load.octetsPerSecond ?? 0) / megabyte : load.perSecond),
      ...(isProxied && largeBodies ? { budget: atLeast(1000, "MB/s") } : {}),
      ...(isProxied && timesPeer?.includes(clients) ? { timesPeer: 5 } : {}),
    });
    if (measured) values[place] = measured;
  }
  if (!largeBodies && pipeline === 1) compare(context, what, clients, values);
}

/** What the way through a frontend costs. */
function compare(
  context: Context,
  what: string,
  clients: number,
  { direct, frontend }: { readonly direct?: Measured; readonly frontend?: Measured },
): void {
  if (!direct || !frontend) return;
  if (clients === 1) {
    const addedMicroseconds = Math.round(1000 * (frontend.p50Ms - direct.p50Ms));
    const { text, isMet } = atMost(40, "µs");
    const name = `${what}, added by the frontend (p50), 1 client`;
    context.report({
      bench,
      name,
      unit: "µs",
      value: addedMicroseconds,
      budget: text,
      isMet: isMet(addedMicroseconds),
    });
  }
  if (clients === 64) {
    const percent = Math.round((100 * frontend.value) / direct.value);
    const { text, isMet } = atLeast(60, "%");
    const name = `${what}, frontend of direct, 64 clients`;
    context.report({ bench, name, unit: "%", value: percent, budget: text, isMet: isMet(percent) });
  }
}
