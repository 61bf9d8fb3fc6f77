// mupdate keeps the list of all mailboxes of a murder (RFC 3656). With -m it is the master: backends reserve names with it
// and announce their mailboxes, and it tells every frontend of each change. Without -m it is the replica of a frontend: it
// keeps the local mailbox list equal to the master's, answers the kicks of the frontend's sessions, and serves its copy to
// others for reading. -a decides by whether mupdate_server names this machine. A frontend needs it running from the start
// (prefork=1 in cyrus.conf); one process is enough, and more are not useful.
//
// A replica remembers its place in its master's list. When it was away, a master of ours sends it only what changed since;
// any other master, and one whose list was lost or put back from a copy, sends the whole list. Of several servers in
// mupdate_server the first that answers is followed, and a better one again when it is back. While no master answers the
// list is served on as it was. A master that stands still is noticed by its silence (mupdate_heartbeat). Replicas can
// follow replicas.

import { defineProgram, main, version } from "../lib/cli/command.ts";
import { UsageError } from "../lib/cli/exit-code.ts";
import { startMupdate } from "../lib/daemon/mupdate-service.ts";
import { runService } from "../lib/daemon/service.ts";
import { serviceOptions } from "../lib/daemon/service-options.ts";

export const program = defineProgram({
  name: "mupdate",
  summary: "Keep the list of all mailboxes of a murder, as its master or as a frontend's replica",
  options: {
    ...serviceOptions,
    master: { short: "m", doc: "Be the master." },
    auto: { short: "a", doc: "Be the master if mupdate_server names this machine, else a replica." },
  },
  run({ options }) {
    if (options.master && options.auto) throw new UsageError("Options -m and -a exclude each other");
    const role = options.master ? "master" : options.auto ? "auto" : "replica";
    return runService(
      {
        program: "mupdate",
        defaultServiceName: "mupdate",
        defaultPort: 3905,
        start: (context) => startMupdate(context, { role, version }),
      },
      options,
    );
  },
});

if (import.meta.main) await main(program);
