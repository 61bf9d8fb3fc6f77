// ctl_mboxlist looks after the mailbox list of a server. With -m it makes the MUPDATE master agree with a backend: mailboxes
// that exist here are announced, names that the master has for this server and that do not exist are removed there. Run
// it from START in cyrus.conf. A mailbox that the master says lives on another server is reported and left alone, on both
// sides; -a announces it as ours. With -w nothing is changed, the steps are only printed. A plan that would remove most of
// what the master has for this server is refused without --force: it usually means that servername was changed. The exit
// code is 75 when the master cannot be reached. With -d the list is written to stdout as JSON, one mailbox a line.

import { systemClock } from "../lib/base/clock.ts";
import { silentLog } from "../lib/base/log.ts";
import { defineProgram, main } from "../lib/cli/command.ts";
import { exitCodes, UsageError } from "../lib/cli/exit-code.ts";
import { writeOutput, writeWords } from "../lib/cli/output.ts";
import type { Config } from "../lib/config/config.ts";
import { ConfigError } from "../lib/config/config-error.ts";
import { defaultConfigPath, loadConfig } from "../lib/config/load-config.ts";
import { readClientTls } from "../lib/daemon/tls-files.ts";
import type { MailboxList } from "../lib/mailbox/list.ts";
import { dumpLines } from "../lib/mailbox/list-dump.ts";
import { openMailboxList } from "../lib/mailbox/list-sqlite.ts";
import { connectToAnyMaster } from "../lib/murder/master-connection.ts";
import { masterConnectionOptions } from "../lib/murder/master-settings.ts";
import { applyPlan, describePlan, planReconcile, type ReconcileOptions } from "../lib/murder/reconcile.ts";

export const program = defineProgram({
  name: "ctl_mboxlist",
  summary: "Make the MUPDATE master agree with this server's mailbox list, or dump the list",
  options: {
    config: { short: "C", value: "file", doc: "Configuration file instead of /etc/imapd.conf." },
    filename: { short: "f", value: "file", doc: "Mailbox list instead of the configured one." },
    "sync-mupdate": { short: "m", doc: "Make the MUPDATE master agree with the list." },
    authoritative: { short: "a", doc: "With -m: what exists here counts, even if the master has it elsewhere." },
    "warn-only": { short: "w", doc: "With -m: only print what would be done." },
    force: { doc: "With -m: carry out a plan that removes most of what the master has." },
    dump: { short: "d", doc: "Write the list to stdout as JSON." },
    partition: { short: "p", value: "name", doc: "With -d: only mailboxes on this partition." },
  },
  async run({ options }) {
    if (options["sync-mupdate"] === options.dump) throw new UsageError("One of -m and -d is needed");
    const { config } = loadConfig(options.config ?? defaultConfigPath);
    const path = options.filename ?? config.mboxlist_db_path;
    const list = openMailboxList({ path, readOnly: true, clock: systemClock });
    try {
      if (options["sync-mupdate"]) return await reconcile(config, list, options);
      for (const line of dumpLines(list, options.partition)) writeOutput(line);
      return exitCodes.ok;
    } finally {
      list.close();
    }
  },
});

interface ReconcileFlags {
  readonly authoritative: boolean;
  readonly "warn-only": boolean;
  readonly force: boolean;
}

async function reconcile(config: Config, list: MailboxList, flags: ReconcileFlags): Promise<number> {
  if (!config.mupdate_server) throw new ConfigError(["mupdate_server is not set: there is no master to agree with"]);
  const tlsFor = (host: string) => readClientTls(config, host);
  const settings = { config, tlsFor, clock: systemClock, log: silentLog };
  const master = await connectToAnyMaster(masterConnectionOptions(settings));
  try {
    const options: ReconcileOptions = {
      list,
      master,
      server: config.servername,
      isAuthoritative: flags.authoritative,
    };
    const plan = await planReconcile(options);
    const lines = describePlan(plan).map((line) => `${line}\n`);
    if (flags["warn-only"]) {
      writeOutput(lines.join(""));
      return exitCodes.ok;
    }
    writeWords(lines.join(""));
    const { failures } = await applyPlan(plan, options, flags.force);
    for (const { name, reason } of failures) writeWords(`ctl_mboxlist: Cannot announce "${name}": ${reason}\n`);
    return failures.length > 0 ? exitCodes.temporaryFailure : exitCodes.ok;
  } finally {
    master.logout();
  }
}

if (import.meta.main) await main(program);
