// Which processes have a mailbox list open: a list that servers work with is not changed behind their backs. Of other users'
// processes only root can tell.

import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

export interface ListUser {
  readonly pid: number;
  /** The name that ps shows. */
  readonly program: string;
}

export function processesUsing(path: string): readonly ListUser[] {
  const target = attempt(() => realpathSync(path));
  if (target === undefined) return []; // nobody uses what does not exist
  const users: ListUser[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const descriptors = attempt(() => readdirSync(`/proc/${name}/fd`)) ?? [];
    if (!descriptors.some((fd) => attempt(() => readlinkSync(`/proc/${name}/fd/${fd}`)) === target)) continue;
    const program = attempt(() => readFileSync(`/proc/${name}/comm`, "utf8").trim()) ?? "";
    users.push({ pid: Number(name), program });
  }
  return users;
}

/** Processes end and descriptors are closed while we look: then there is nothing to see. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
