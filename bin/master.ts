// master starts the programs of a mail server and keeps them running. It reads cyrus.conf: runs the commands of START,
// listens for the SERVICES and hands the sockets to their workers, keeps the DAEMONs alive, and runs the EVENTS when they
// are due. Workers that die are replaced, those that keep dying after a growing pause. SIGHUP takes a changed cyrus.conf
// and has workers read imapd.conf again; a file with errors is refused and everything goes on as before. SIGTERM lets the
// sessions end, for drain_timeout at most, and then ends. Only one master runs on a configdirectory.
//
// Workers start with master's environment, without what would change the programs themselves (BUN_*, NODE_*, LD_PRELOAD …).
// UV_THREADPOOL_SIZE, the number of disk operations one worker can have under way at once, is 32 unless it is set.

import { defineProgram, main, version } from "../lib/cli/command.ts";
import { masterOptions, runMaster } from "../lib/daemon/master.ts";

export const program = defineProgram({
  name: "master",
  summary: "Start the programs of a mail server and keep them running",
  options: masterOptions,
  run: ({ options }) => runMaster(options, { folder: import.meta.dir, version }),
});

if (import.meta.main) await main(program);
