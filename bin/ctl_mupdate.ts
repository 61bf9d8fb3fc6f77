// ctl_mupdate shows and repairs the list of all mailboxes that a MUPDATE master keeps. It asks the master of imapd.conf, as the
// servers do, or with --server any other MUPDATE server: a replica, for reading, or a real Cyrus, which knows less about itself.
//
// Names are given as MUPDATE has them ("user.ann.Lists", "example.org!user.ann") or as an administrator sees them in a mail
// client ("user/ann/Lists", "user/ann@example.org"): a name with a "/" is of the second kind, and so is one with an "@" where
// there are virtual domains.
//
// check and reconcile are made for cron: they say nothing when there is nothing to tell, two of them never run at the same
// time, and they end with 75 when a later run can succeed. Started by root, ctl_mupdate works as cyrus_user. Where a command
// looks for something, such as find or check, the exit code 1 tells that it is not there, or that there are differences.

import { systemClock } from "../lib/base/clock.ts";
import { silentLog } from "../lib/base/log.ts";
import { defineProgram, main } from "../lib/cli/command.ts";
import { UsageError } from "../lib/cli/exit-code.ts";
import { mupdateCommands } from "../lib/cli/mupdate/commands.ts";
import { serverOptions } from "../lib/cli/mupdate/reach.ts";
import { realTools } from "../lib/cli/mupdate/tools.ts";
import { openQuarantine } from "../lib/daemon/local-mail.ts";
import { dropPrivileges } from "../lib/daemon/privileges.ts";
import { claimSingleRun } from "../lib/daemon/single-run.ts";
import { readClientTls } from "../lib/daemon/tls-files.ts";

const tools = realTools({
  tlsFor: readClientTls,
  dropPrivileges,
  claim: (config, name) => claimSingleRun(config.configdirectory, name),
  openQuarantine: (config, list, master) =>
    openQuarantine({ config, clock: systemClock, log: silentLog }, list, master),
});

export const program = defineProgram({
  name: "ctl_mupdate",
  summary: "Show, check and repair the list of all mailboxes that the MUPDATE master keeps",
  options: serverOptions,
  commands: mupdateCommands(tools),
  passesOptions: true,
  run() {
    throw new UsageError("A command is missing");
  },
});

if (import.meta.main) await main(program);
