// Runs the benchmarks: `bun bench/run.ts [memory login fetch delivery mupdate list store master | proxy] [--json FILE]`. Starts a
// murder of its own, measures, prints one JSON line for each figure and a table at the end.
//
//   --peer NAME,imap=host:port,…   measures another server in turn with ours (see target.ts)
//   --dir FOLDER                   where our murder keeps its files (the disk that is measured)
//   --mechanism M                  with which our frontend logs in at backends (PLAIN, as other proxies; SCRAM-SHA-256 …)
//   --only TEXT                    only figures with this in their name (may be given several times)
//   --entries N                    mailboxes in the list (100000); a peer's has to be filled so far already, or is filled
//   --seconds S, --rounds N        how long and how often each figure is measured (1.5, 1)

import { appendFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { benchAlone } from "./alone.ts";
import type { Context } from "./context.ts";
import { benchDelivery } from "./delivery.ts";
import { benchFetch } from "./fetch.ts";
import { type Figure, formatTable } from "./figure.ts";
import { benchLogin } from "./login.ts";
import { benchMemory } from "./memory.ts";
import { startOwnMurder } from "./own-murder.ts";
import { prepare } from "./prepare.ts";
import { benchProxy } from "./proxy.ts";
import { benchList, benchMupdate } from "./registry.ts";
import { parseTarget } from "./target.ts";

/** In this order: mupdate and list fill the list, which those before should not carry. */
const benches: Readonly<Record<string, (context: Context) => Promise<void>>> = {
  memory: benchMemory,
  login: benchLogin,
  fetch: benchFetch,
  delivery: benchDelivery,
  mupdate: benchMupdate,
  list: benchList,
  store: (context) => benchAlone(context, "store"),
  master: (context) => benchAlone(context, "mupdate"),
};

/** Only when asked for: takes long, and wants other proxies. */
const special: typeof benches = { proxy: benchProxy };

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    peer: { type: "string", multiple: true, default: [] },
    dir: { type: "string" },
    mechanism: { type: "string", default: "PLAIN" },
    entries: { type: "string", default: "100000" },
    seconds: { type: "string", default: "1.5" },
    only: { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "1" },
  },
});
const known = { ...benches, ...special };
for (const name of positionals) if (!known[name]) throw new Error(`No benchmark "${name}": ${Object.keys(known)}`);

const figures: Figure[] = [];
if (flags.json) writeFileSync(flags.json, "");

function report(figure: Figure): void {
  figures.push(figure);
  const line = `${JSON.stringify(figure)}\n`;
  process.stdout.write(line);
  if (flags.json) appendFileSync(flags.json, line);
}

const entries = Number(flags.entries);
/** Of a larger list nobody wants to see how it is filled. */
const filledBefore = entries > 100_000 ? entries : 0;
await using murder = await startOwnMurder({ under: flags.dir, filled: filledBefore, mechanism: flags.mechanism });
const targets = [murder.target, ...flags.peer.map(parseTarget)];
/** These look at no mail. */
const withoutMail = ["mupdate", "list", "store", "master"];
const looksAtMail = positionals.length === 0 || positionals.some((name) => !withoutMail.includes(name));
if (looksAtMail) for (const target of targets) await prepare(target);
const context: Context = {
  ...{ murder, targets },
  rounds: Number(flags.rounds),
  seconds: Number(flags.seconds),
  entries,
  report,
  only: flags.only,
};
for (const [name, bench] of Object.entries(positionals.length > 0 ? known : benches)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  try {
    await bench(context);
  } catch (fault) {
    process.exitCode = 1;
    process.stderr.write(`${name} could not go on: ${fault instanceof Error ? fault.message : fault}\n`);
  }
}
process.stderr.write(`\n${formatTable(figures)}`);
