// Names a process so that no other, earlier or later on this machine, has the same name: its number and the time the
// kernel started it. Left in journals, it tells whether whoever wrote there is still at work.

import { readFileSync } from "node:fs";

export function ownWorkerId(): string {
  return `${process.pid}-${startedAt(process.pid) ?? Date.now()}`;
}

export function isWorkerAlive(worker: string): boolean {
  const [pid = "", started = ""] = worker.split("-");
  return /^\d+$/.test(pid) && startedAt(Number(pid)) === started;
}

/**
 * Clock ticks from boot to the start of the process: field 22 of proc(5)'s stat; undefined when it is gone. A zombie is: it
 * does nothing more, and where nobody waits for orphans, as in many containers, it stays for ever.
 */
function startedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the command in parentheses may hold blanks
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
