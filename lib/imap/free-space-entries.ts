// The annotations (RFC 5464) by which the backends of a murder tell its frontends how much room they have: all of
// GETMETADATA and GETANNOTATION that there is here. Neither is announced: there is nothing in it for users.

import { No } from "../base/fault.ts";
import { emptiestOf, formatSpace, type SelectMode, type Space, spacesOf, totalOf } from "../mailbox/free-space.ts";
import { denied } from "./access.ts";
import type { Session } from "./session.ts";

const folder = "/vendor/cmu/cyrus-imapd/freespace";

/** By name in lower case: names of entries are not case-sensitive. */
const readers: Readonly<Record<string, (spaces: readonly Space[]) => Space | undefined>> = {
  [`${folder}/total`]: totalOf,
  [`${folder}/percent/most`]: emptiestOf,
};

/** What a select mode looks at, as GETMETADATA names it. */
export function entryOfMode(mode: SelectMode): string {
  return `/shared${folder}/${mode === "freespace-most" ? "total" : "percent/most"}`;
}

/**
 * The values of those entries, named without "/shared", that have one. Throws No for who is neither a frontend nor an
 * administrator, and for any mailbox but "", the server.
 */
export async function freeSpaceOf(
  { server, user }: Session,
  mailbox: string,
  entries: readonly string[],
): Promise<readonly (readonly [entry: string, value: string])[]> {
  if (!user.isAdmin && !user.isProxied) throw denied();
  if (mailbox !== "") throw new No("CANNOT", "Annotations of mailboxes are not supported");
  const spaces = server.local ? await spacesOf(server.config.partitions.values()) : [];
  return entries.flatMap((entry) => {
    const space = readers[entry]?.(spaces);
    return space ? [[entry, formatSpace(space)] as const] : [];
  });
}
