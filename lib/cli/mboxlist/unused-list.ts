// The rule for what changes the list behind the servers' backs (-u, and -d with -x): not while any of them has it open.

import { processesUsing } from "./list-users.ts";

/** The servers are running; when they are stopped the same command works. */
export class ListInUse extends Error {
  override readonly name = "ListInUse";
  readonly exitCode = 75; // EX_TEMPFAIL
}

export function requireUnused(path: string, isForced: boolean): void {
  const users = isForced ? [] : processesUsing(path);
  if (users.length === 0) return;
  const named = users.slice(0, 5).map(({ pid, program }) => `${program || "process"} ${pid}`);
  if (users.length > named.length) named.push(`${users.length - named.length} more`);
  throw new ListInUse(`${path} is in use by ${named.join(", ")}: stop the server first, or use --force`);
}
