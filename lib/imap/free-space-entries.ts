// The annotations (RFC 5464) by which a Cyrus backend tells its frontends how much room it has.

import { emptiestOf, type SelectMode, type Space, totalOf } from "../mailbox/free-space.ts";

const folder = "/shared/vendor/cmu/cyrus-imapd/freespace";

/** By name in lower case: names of entries are not case-sensitive. */
export const freeSpaceEntries: ReadonlyMap<string, (spaces: readonly Space[]) => Space | undefined> = new Map([
  [`${folder}/total`, totalOf],
  [`${folder}/percent/most`, emptiestOf],
]);

/** What a select mode looks at. */
export function entryOfMode(mode: SelectMode): string {
  return mode === "freespace-most" ? `${folder}/total` : `${folder}/percent/most`;
}
