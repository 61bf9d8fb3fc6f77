// imapd whose operations on the mailbox list stop where a test wants them: at such a step it tells the test over Bun's IPC
// and waits for leave to go on. Everything else is bin/imapd.ts,
// or bin/proxyd.ts: which of them follows from the configuration. Arguments: the configuration file, the address to listen on.

import { version } from "../../../lib/cli/command.ts";
import { startImap } from "../../../lib/daemon/imap-service.ts";
import { runService } from "../../../lib/daemon/service.ts";

/** A step of the operation on one mailbox, by its internal name. */
export interface Point {
  readonly step: string;
  readonly mailbox: string;
}

/** What the test says: stop at these points and at no others, or go on everywhere. */
export type Order = { readonly hold: readonly Point[] } | { readonly go: true };

/** What it is told. `reached` of every step, whether or not the operation stops there. */
export type Report = { readonly held: number } | { readonly reached: Point };

const [config, address] = process.argv.slice(2);
if (config === undefined || address === undefined) throw new Error("stepping-imapd CONFIGURATION ADDRESS");

let points = new Set<string>();
let waiting: (() => void)[] = [];

function keyOf({ step, mailbox }: Point): string {
  return `${step} ${mailbox}`;
}

function tell(report: Report): void {
  process.send?.(report);
}

process.on("message", (order: Order) => {
  if ("hold" in order) {
    points = new Set(order.hold.map(keyOf));
    tell({ held: points.size });
    return;
  }
  points = new Set();
  for (const goOn of waiting) goOn();
  waiting = [];
});
// Nobody is there any more who could stop us.
process.on("disconnect", () => process.exit(1));

async function atStep(step: string, mailbox: string): Promise<void> {
  const point = { step, mailbox };
  const isHeld = points.has(keyOf(point));
  const released = isHeld ? new Promise<void>((resolve) => waiting.push(resolve)) : undefined;
  tell({ reached: point });
  await released;
}

process.exitCode = await runService(
  {
    program: "imapd",
    defaultServiceName: "imap",
    defaultPort: 143,
    start: (context) => startImap(context, version, atStep),
  },
  { config, tls: false, listen: [address] },
);
process.disconnect?.();
