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

/** Clock ticks from boot to the start of the process: field 22 of proc(5)'s stat; undefined when it is gone. */
function startedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]; // the command in parentheses may hold blanks
  } catch {
    return undefined;
  }
}
