// ctl_mboxlist looks after the mailbox list of a server: -d dumps it, -u loads a dump, -v verifies it, and -m makes the MUPDATE
// master agree with it. Cyrus' letters mean what they mean there.
//
// With -m mailboxes that exist here are announced, names that the master has for this server and that do not exist are
// withdrawn there, and a mailbox that the master has on another server moves to quarantine, under DELETED.QUARANTINE, where
// an administrator finds it; with -a it is announced as ours instead. Nothing is deleted here. The plan is shown before it is
// carried out; -w only shows it, -i asks. A plan that withdraws or moves too much is a mistake until --force or --max-delete
// says otherwise. A changed servername is refused (exit code 78) until --accept-servername says that it is meant. Servers
// do all this by themselves; run -m from START or from cron to have it done and told now: it is silent when there is nothing
// to do, two runs never overlap, and it ends with 75 when a later run can succeed: when the master cannot be reached, another
// run is under way, names were refused, or the plan waits to be confirmed.
//
// With -d the list is written to stdout as JSON, one mailbox a line, as Cyrus 3 does it and loads it; with -L as text, as Cyrus 2
// did. -x takes what was written out of the list; message files stay where they are. Times and MODSEQs are written as 0, a
// mailbox of another server gets a unique id made of its name, because Cyrus loads none without.
//
// With -u a dump is loaded from stdin, of either form, whole or not at all: every mailbox is checked first, and what is wrong is
// told with its line (exit code 65). Mailboxes that are not in the dump stay. Those that the list has otherwise are told and
// replaced only with --replace. What is loaded is the list, not the mail: a mailbox whose folder is missing, and a folder that no
// mailbox has, are found by -v. A backend's dump names no server; on a frontend or the master --server says whose it is. Mailboxes of
// other servers are skipped on a backend, tombstones everywhere. While servers have the list open the exit code is 75.
//
// With -v the list is held against the partitions: mailboxes without a folder, folders without a mailbox, unique ids given
// twice, partitions that are not configured, names and ACLs that are none, reservations that nobody works on. It may run
// beside the servers, changes nothing, prints nothing when all is well, and otherwise ends with 1.
//
// With --json -u prints one object: form, isLoaded, loaded, replaced (name and changes of each), same, skipped, notes and problems
// (line, name and text of each). -m prints plan (what is to be activated, removed, quarantined, waited for, with why),
// objection (why the plan is refused, or null) and outcome (activated, removed, quarantined, waiting, failures; null when
// nothing was done). -v prints an object a line: problem, name, uniqueid, partition, text.

import { accessSync } from "node:fs";
import { systemClock } from "../lib/base/clock.ts";
import { silentLog } from "../lib/base/log.ts";
import { defineProgram, main } from "../lib/cli/command.ts";
import { exitCodes } from "../lib/cli/exit-code.ts";
import { dump } from "../lib/cli/mboxlist/dump.ts";
import { chooseOperation, mboxlistOptions } from "../lib/cli/mboxlist/options.ts";
import { type SyncSite, synchronize } from "../lib/cli/mboxlist/sync.ts";
import { undump } from "../lib/cli/mboxlist/undump.ts";
import { verify } from "../lib/cli/mboxlist/verify.ts";
import type { Config } from "../lib/config/config.ts";
import { defaultConfigPath, loadConfig } from "../lib/config/load-config.ts";
import { openQuarantine } from "../lib/daemon/local-mail.ts";
import { dropPrivileges } from "../lib/daemon/privileges.ts";
import { claimSingleRun } from "../lib/daemon/single-run.ts";
import { readClientTls } from "../lib/daemon/tls-files.ts";
import type { MailboxList } from "../lib/mailbox/list.ts";
import { openMailboxList } from "../lib/mailbox/list-sqlite.ts";
import { connectToAnyMaster } from "../lib/murder/master-connection.ts";
import { masterConnectionOptions } from "../lib/murder/master-settings.ts";

export const program = defineProgram({
  name: "ctl_mboxlist",
  summary: "Dump, load and verify the mailbox list, or make the MUPDATE master agree with it",
  options: mboxlistOptions,
  async run({ options }) {
    const operation = chooseOperation(options);
    const { config } = loadConfig(options.config ?? defaultConfigPath);
    if (operation === "fix-keys") return exitCodes.ok;
    dropPrivileges(config);
    const path = options.filename ?? config.mboxlist_db_path;
    // A list that is to be read is not made by a slip of the pen.
    if (options.filename !== undefined && operation !== "undump") accessSync(path);
    const isDryRun = options["warn-only"] || options["dry-run"];
    const changes = !isDryRun && (operation === "undump" || operation === "sync-mupdate" || options["remove-dumped"]);
    const run = changes ? claimSingleRun(config.configdirectory, "ctl_mboxlist") : undefined;
    const list = openMailboxList({ path, readOnly: !changes, clock: systemClock });
    const given = { ...options, path, list, config, isDryRun };
    try {
      if (operation === "verify") return verify(given, options.json);
      if (operation === "dump") return await dump(given);
      if (operation === "undump") return await undump(given, await Bun.stdin.text());
      return await synchronize(syncSite(config, list), given);
    } finally {
      list.close();
      run?.release();
    }
  },
});

function syncSite(config: Config, list: MailboxList): SyncSite {
  const context = { config, clock: systemClock, log: silentLog };
  const tlsFor = (host: string) => readClientTls(config, host);
  return {
    config,
    list,
    connect: () => connectToAnyMaster(masterConnectionOptions({ ...context, tlsFor })),
    openQuarantine: (master) => openQuarantine(context, list, master),
  };
}

if (import.meta.main) await main(program);
