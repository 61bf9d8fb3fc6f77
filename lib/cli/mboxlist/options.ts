// The command line of ctl_mboxlist: Cyrus' letters and long names, what we add, and which options go with which operation.

import { UsageError } from "../exit-code.ts";
import type { GivenOptions, OptionDefinitions } from "../program.ts";

export const mboxlistOptions = {
  config: { short: "C", value: "file", doc: "Configuration file instead of /etc/imapd.conf." },
  filename: { short: "f", value: "file", doc: "Mailbox list instead of the configured one." },
  dump: { short: "d", doc: "Write the list to stdout as JSON." },
  undump: { short: "u", doc: "Load a dump, JSON or text, from stdin." },
  "sync-mupdate": { short: "m", doc: "Make the MUPDATE master agree with the list." },
  verify: { short: "v", doc: "Hold the list against the partitions and print what is wrong." },
  "fix-keys": { short: "k", doc: "Accepted, as Cyrus has it, and ends at once: this list has no keys that need it." },
  partition: { short: "p", value: "name", doc: "With -d: only mailboxes on this partition." },
  "remove-dumped": { short: "x", doc: "With -d: take out of the list what was written." },
  "include-intermediaries": {
    short: "y",
    doc: "With -d: accepted, as Cyrus has it; this list has no entries for names without a mailbox.",
  },
  legacy: {
    short: "L",
    doc: "With -d: write the text form of Cyrus 2. With -u: the dump is text, whatever it looks like.",
  },
  server: {
    value: "name",
    doc: "With -u: whose mailboxes those are that the dump names no server for; otherwise this server's.",
  },
  replace: { doc: "With -u: also replace mailboxes that the list has otherwise." },
  authoritative: { short: "a", doc: "With -m: what exists here counts, even if the master has it elsewhere." },
  interactive: { short: "i", doc: "With -m: show the plan and ask before it is carried out." },
  "warn-only": { short: "w", doc: "Change nothing, print what would be done." },
  "dry-run": { doc: "The same as -w." },
  "max-delete": {
    value: "count",
    doc: "With -m: the most mailboxes to withdraw and to quarantine, as a number or a share such as 5%. Otherwise reconcile_limit and reconcile_limit_percent.",
  },
  "accept-servername": {
    doc: "With -m: servername was changed on purpose; what the master has under the old name is taken over.",
  },
  force: {
    doc: "With -m: carry out a plan that looks like a mistake. With -u and -x: although servers have the list open.",
  },
  json: { doc: "With -u and -m: print one JSON object with what was planned and done. With -v: one a line." },
} as const satisfies OptionDefinitions;

export type MboxlistOptions = GivenOptions<typeof mboxlistOptions>;
export type Operation = "dump" | "undump" | "sync-mupdate" | "verify" | "fix-keys";

const operations: readonly Operation[] = ["dump", "undump", "sync-mupdate", "verify", "fix-keys"];

/** What an option goes with; those not here go with everything. */
const belongsTo: Partial<Record<keyof MboxlistOptions, readonly Operation[]>> = {
  partition: ["dump"],
  "remove-dumped": ["dump"],
  "include-intermediaries": ["dump"],
  legacy: ["dump", "undump"],
  server: ["undump"],
  replace: ["undump"],
  authoritative: ["sync-mupdate"],
  interactive: ["sync-mupdate"],
  "max-delete": ["sync-mupdate"],
  "accept-servername": ["sync-mupdate"],
};

/** The one operation that is asked for. Throws UsageError. */
export function chooseOperation(options: MboxlistOptions): Operation {
  const chosen = operations.filter((operation) => options[operation]);
  const [operation] = chosen;
  if (operation === undefined || chosen.length > 1)
    throw new UsageError("Exactly one of -d, -u, -m, -v and -k is needed");
  for (const name of Object.keys(belongsTo) as (keyof typeof belongsTo)[]) {
    const isGiven = options[name] !== false && options[name] !== undefined;
    if (isGiven && !belongsTo[name]!.includes(operation)) {
      const letters = belongsTo[name]!.map((each) => `-${mboxlistOptions[each].short}`);
      throw new UsageError(`Option --${name} goes with ${letters.join(" or ")} only`);
    }
  }
  return operation;
}
