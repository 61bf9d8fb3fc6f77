// The file that holds master's process id. The lock on it, not its existence, says that a master is running: the kernel
// drops the lock however that master ends.

import { closeSync, ftruncateSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { describeFault } from "../base/fault.ts";
import { ConfigError } from "../config/config-error.ts";
import { lockFile } from "../net/libc.ts";

export interface PidFile {
  /** Removes the file and drops the lock. */
  release(): void;
}

/** Throws when another master holds the file: its text names that master's process. */
export function claimPidFile(path: string, pid: number): PidFile {
  const fd = openLockFile(path);
  if (!lockFile(fd)) {
    closeSync(fd);
    throw new AlreadyRunning(`Cannot lock ${path}: another master is running (process ${readPid(path)})`);
  }
  ftruncateSync(fd, 0);
  writeSync(fd, `${pid}\n`, 0);
  return {
    release() {
      unlinkSync(path);
      closeSync(fd);
    },
  };
}

/** Another process holds the lock. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
  readonly exitCode = 71; // EX_OSERR
}

/** Opens the file, made if need be, and leaves its content alone. Throws ConfigError. */
export function openLockFile(path: string): number {
  try {
    // No O_TRUNC: until the lock is ours, the content is another master's. O_CREAT | O_RDWR | O_CLOEXEC.
    return openSync(path, 0o100 | 0o2 | 0o2000000, 0o644);
  } catch (fault) {
    throw new ConfigError([`Cannot write ${path}: ${describeFault(fault)}`]);
  }
}

/** The process id that a file of this kind holds. */
export function readPid(path: string): string {
  try {
    return readFileSync(path, "utf8").trim() || "unknown";
  } catch {
    return "unknown";
  }
}
