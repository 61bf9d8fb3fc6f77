// The annotations (RFC 5464) by which the backends of a murder tell its frontends how much room they have: all of
// GETANNOTATION that there is here. There is nothing in it for users.

import { emptiestOf, formatSpace, type SelectMode, type Space, spacesOf, totalOf } from "../mailbox/free-space.ts";
import { denied } from "./access.ts";
import type { Session } from "./session.ts";

const folder = "/vendor/cmu/cyrus-imapd/freespace";

/** By name in lower case: names of entries are not case-sensitive. */
const readers: Readonly<Record<string, (spaces: readonly Space[]) => Space | undefined>> = {
  [`${folder}/total`]: totalOf,
  [`${folder}/percent/most`]: emptiestOf,
};

/** Whether it is one of them, as GETMETADATA names it. */
export function isFreeSpace(entry: string): boolean {
  return entry.startsWith("/shared") && readers[entry.slice("/shared".length)] !== undefined;
}

/** What a select mode looks at, as GETMETADATA names it. */
export function entryOfMode(mode: SelectMode): string {
  return `/shared${folder}/${mode === "freespace-most" ? "total" : "percent/most"}`;
}

/**
 * The values of those entries, named without "/shared", that have one. Throws No for who is neither a frontend nor an
 * administrator.
 */
export async function freeSpaceOf(
  { server, user }: Session,
  entries: readonly string[],
): Promise<readonly (readonly [entry: string, value: string])[]> {
  if (!user.isAdmin && !user.isProxied) throw denied();
  const spaces = server.local ? await spacesOf(server.config.partitions.values()) : [];
  return entries.flatMap((entry) => {
    const space = readers[entry]?.(spaces);
    return space ? [[entry, formatSpace(space)] as const] : [];
  });
}
