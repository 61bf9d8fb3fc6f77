// One run at a time for programs that cron starts: a lock on a file in the configuration directory. The kernel drops the lock
// however the program ends, kill -9 included; the file itself stays, and holds the id of the last process that had it.
// It is never removed: a lock on a removed file would keep nobody out.

import { closeSync, ftruncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openLockFile, readPid } from "../master/pid-file.ts";
import { lockFile } from "../net/libc.ts";

export interface SingleRun {
  /** Lets the next run begin. The end of the process does the same. */
  release(): void;
}

/** Another run is under way: a later one will find the lock free. */
export class RunUnderWay extends Error {
  override readonly name = "RunUnderWay";
  readonly exitCode = 75; // EX_TEMPFAIL
}

/**
 * Claims `<directory>/<name>.lock` for this process, without waiting. Throws RunUnderWay, which names the process that has it,
 * and ConfigError when the file cannot be made.
 */
export function claimSingleRun(directory: string, name: string): SingleRun {
  const path = join(directory, `${name}.lock`);
  const fd = openLockFile(path);
  if (!lockFile(fd)) {
    closeSync(fd);
    throw new RunUnderWay(`Another run is under way (process ${readPid(path)} has locked ${path})`);
  }
  ftruncateSync(fd, 0);
  writeSync(fd, `${process.pid}\n`, 0);
  return { release: () => closeSync(fd) };
}
