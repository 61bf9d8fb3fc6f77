// `ctl_mupdate check`: compares the master's list with those of replicas, backends and this machine, and reports what differs
// for longer than a change takes. It changes nothing.

import { describeFault } from "../../base/fault.ts";
import { defineProgram } from "../command.ts";
import { exitCodeFor, exitCodes, UsageError } from "../exit-code.ts";
import { type Field, outputFormat, outputOptions, printRows } from "../output.ts";
import { type Difference, lastingDifferences } from "./differences.ts";
import { type OpenedSides, openSides, type Wanted } from "./open-sides.ts";
import { adminOptions, type Reach, serverOptions } from "./reach.ts";
import { alone, type Screen, type Tools } from "./tools.ts";
import { LiveList } from "./whole-list.ts";

const scopes = ["local", "replicas", "backends"] as const;

const defaultGraceSeconds = 5;

const fields: readonly Field<Difference>[] = [
  { name: "kind", value: (difference) => difference.kind },
  { name: "source", value: (difference) => difference.source },
  { name: "name", value: (difference) => difference.name },
  { name: "there", value: (difference) => difference.there },
  { name: "master", value: (difference) => difference.master },
  { name: "text", value: (difference) => difference.text },
];

export const checkProgram = (tools: Tools) =>
  defineProgram({
    name: "check",
    summary: "Compare the master's list with those of replicas and backends",
    description:
      "Prints a line for each difference and nothing when there is none. missing: a replica lacks what the master has, or the master " +
      "lacks what a backend has. stale: a replica has what the master lacks, or the master has at a backend what does not exist there. " +
      "different: at the same place with another ACL, partition or state. conflicting: a backend has what the master has elsewhere. " +
      "reserved: a name is taken by an operation that does not end. A difference counts when it is still there after --grace seconds, " +
      "asked again behind everything that was on its way, so that a busy murder gives no false alarms. The exit code is 0 when all is " +
      "equal, 1 when something differs, and when nothing differs but somebody could not be asked 75, or 77 when he does not take us for " +
      "an administrator.\n\n" +
      "The list of this machine is read from its file. Replicas are those that have told the master their name, which Cyrus' do not " +
      "(--replica), and backends those that the master has mailboxes at; a backend is asked over IMAP, as an administrator: that is proxy_authname, if the backend has it among its " +
      "admins, or --admin. One that there is no password for is left out, with a message; --only chooses.",
    options: {
      ...serverOptions,
      ...adminOptions,
      only: { value: "whom", choices: scopes, repeat: true, doc: "Whom to compare with; all without." },
      replica: { value: "server", repeat: true, doc: "A replica besides those that the master knows." },
      backend: { value: "server", repeat: true, doc: "A backend besides those that the master has mailboxes at." },
      "names-only": { doc: "Do not ask backends for ACLs." },
      grace: { value: "seconds", type: "integer", doc: `How long a change may take; ${defaultGraceSeconds} without.` },
      verbose: { short: "v", doc: "Tell what was compared." },
      ...outputOptions,
    },
    async run({ options }) {
      const graceSeconds = options.grace ?? defaultGraceSeconds;
      if (graceSeconds < 0) throw new UsageError(`--grace: ${graceSeconds} is negative`);
      const reach = tools.reach(options);
      const wanted: Wanted = {
        scopes: new Set(options.only.length > 0 ? options.only : scopes),
        replicas: options.replica,
        backends: options.backend,
        withAcls: !options["names-only"],
      };
      return alone(tools, reach.config, () =>
        check(tools.screen, reach, wanted, { ...options, graceMs: graceSeconds * 1000 }),
      );
    },
  });

interface CheckFlags {
  readonly graceMs: number;
  readonly verbose: boolean;
  readonly json: boolean;
  readonly tsv: boolean;
}

async function check(screen: Screen, reach: Reach, wanted: Wanted, flags: CheckFlags): Promise<number> {
  const client = await reach.master();
  let opened: OpenedSides | undefined;
  try {
    const master = await LiveList.open(client);
    opened = await openSides(reach, client, master.records, wanted);
    const { sides, withoutLogin } = opened;
    const found = await lastingDifferences({ master, sides, graceMs: flags.graceMs, clock: reach.clock });
    if (found.differences.length > 0) await printRows(fields, found.differences, outputFormat(flags), screen.write);
    const silent = [...opened.silent, ...found.silent];
    for (const { source, fault } of silent) screen.say(`ctl_mupdate: Cannot ask ${source}: ${describeFault(fault)}\n`);
    for (const name of withoutLogin) screen.say(`ctl_mupdate: ${name} is not asked: there is no password for it\n`);
    if (flags.verbose) {
      const sources = sides.map(({ kind, source }) => `${kind} ${source}`).join(", ");
      screen.say(`Compared the ${master.records.size} names of the master with ${sources || "nobody"}\n`);
    }
    if (found.differences.length > 0) return exitCodes.differs;
    // What waiting does not mend is told by its own code.
    return Math.max(exitCodes.ok, ...silent.map(({ fault }) => exitCodeFor(fault)));
  } finally {
    for (const side of opened?.sides ?? []) side.close();
    client.logout();
  }
}
