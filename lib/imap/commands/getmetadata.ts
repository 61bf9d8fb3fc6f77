// GETMETADATA (RFC 5464 §4.2), as much of it as servers of a murder say to each other: how much room there is. METADATA is
// not announced: there is nothing in it for users.

import { No } from "../../base/fault.ts";
import { formatSpace, spacesOf } from "../../mailbox/free-space.ts";
import { formatQuoted } from "../../wire/writer.ts";
import { denied } from "../access.ts";
import { freeSpaceEntries } from "../free-space-entries.ts";
import { type GetMetadataArgs, getMetadataArgs } from "../parse/getmetadata.ts";
import { here, row } from "../row.ts";

export const getMetadataRow = row<GetMetadataArgs>({
  state: "authenticated",
  args: getMetadataArgs,
  at: here,
  async run(session, { mailbox, entries }) {
    if (!session.user.isAdmin && !session.user.isProxied) throw denied();
    if (mailbox !== "") throw new No("CANNOT", "Annotations of mailboxes are not supported");
    const { config, local } = session.server;
    const spaces = local ? await spacesOf(config.partitions.values()) : [];
    const values = entries.flatMap((entry) => {
      const space = freeSpaceEntries.get(entry)?.(spaces);
      return space ? [formatQuoted(entry), formatQuoted(formatSpace(space))] : [];
    });
    if (values.length > 0) session.untagged(`METADATA "" (${values.join(" ")})`);
    return undefined;
  },
});
