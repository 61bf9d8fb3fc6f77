// `ctl_mupdate reconcile`: makes the master agree with this backend. The same work as ctl_mboxlist -m.

import { ConfigError } from "../../config/config-error.ts";
import { defineProgram } from "../command.ts";
import { changeOptions } from "../confirm.ts";
import { type SyncSite, synchronize } from "../mboxlist/sync.ts";
import { serverOptions } from "./reach.ts";
import { alone, type Tools } from "./tools.ts";

export const reconcileProgram = (tools: Tools) =>
  defineProgram({
    name: "reconcile",
    summary: "Make the master agree with this backend",
    description:
      "Announces what exists here and the master lacks, withdraws what the master has for this server and does not exist, and moves " +
      "to quarantine what the master has on another server; no mail is deleted. It is what ctl_mboxlist -m does, and what a running " +
      "backend does by itself whenever it has lost the master; a run of its own finds nothing to do and says nothing. A plan that " +
      "would withdraw more than reconcile_limit allows is refused without --force. The exit code is 75 when the master is away.",
    options: {
      ...serverOptions,
      "dry-run": changeOptions["dry-run"],
      "max-delete": { value: "count", doc: "Withdraw at most so many mailboxes, or such a share: 20, 5%." },
      force: { doc: "Carry out a plan that withdraws more." },
      json: { doc: "Print the plan and what came of it as one JSON object." },
    },
    async run({ options }) {
      const reach = tools.reach(options);
      const { config } = reach;
      const isDryRun = options["dry-run"];
      const list = reach.openList(isDryRun ? "read" : "write");
      if (!list)
        throw new ConfigError([`${config.mboxlist_db_path} does not exist: this server has no mailbox list yet`]);
      try {
        const site: SyncSite = {
          config,
          list,
          connect: () => reach.master(),
          openQuarantine: (master) => tools.openQuarantine(config, list, master),
        };
        const work = () =>
          synchronize(site, {
            ...options,
            authoritative: false,
            interactive: false,
            isDryRun,
            "accept-servername": false,
          });
        // The lock of the program whose work it is.
        return await (isDryRun ? work() : alone(tools, config, work, "ctl_mboxlist"));
      } finally {
        list.close();
      }
    },
  });
