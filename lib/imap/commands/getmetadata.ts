// GETMETADATA (RFC 5464 §4.2) of a backend's free space: see free-space-entries.ts.

import { formatQuoted } from "../../wire/writer.ts";
import { freeSpaceOf } from "../free-space-entries.ts";
import { type GetMetadataArgs, getMetadataArgs } from "../parse/getmetadata.ts";
import { here, row } from "../row.ts";

const shared = "/shared";

export const getMetadataRow = row<GetMetadataArgs>({
  state: "authenticated",
  args: getMetadataArgs,
  at: here,
  async run(session, { mailbox, entries }) {
    const wanted = entries.filter((entry) => entry.startsWith(shared)).map((entry) => entry.slice(shared.length));
    const found = await freeSpaceOf(session, mailbox, wanted);
    const values = found.map(([entry, value]) => `${formatQuoted(shared + entry)} ${formatQuoted(value)}`);
    if (values.length > 0) session.untagged(`METADATA "" (${values.join(" ")})`);
    return undefined;
  },
});
