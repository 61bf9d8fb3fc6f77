// What master needs from the process it runs in; bin/master.ts and tests make it.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ProgramFolder } from "./program-path.ts";

export interface MasterHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly pid: number;
  readonly processors: number;
  readonly programs: ProgramFolder;
  /** Scrubbed: what every child gets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly backlog: number;
  /** Calls when SIGIO says that some watched descriptor may be readable; the result ends that. */
  readonly onInput: (handler: () => void) => () => void;
}

/** The environment that all children share, besides what is particular to a service. */
export function childEnvironment(host: MasterHost): Record<string, string> {
  return { ...host.environment, CYRUS_ISDAEMON: "1", IATLAS_MASTER_PID: String(host.pid) };
}
