// GETANNOTATION (the ANNOTATEMORE draft that RFC 5464 came from) of a backend's free space: Cyrus' frontends ask so where
// METADATA is not announced. See free-space-entries.ts.

import { No } from "../../base/fault.ts";
import { formatQuoted } from "../../wire/writer.ts";
import { freeSpaceOf } from "../free-space-entries.ts";
import { type GetAnnotationArgs, getAnnotationArgs } from "../parse/getmetadata.ts";
import { here, row } from "../row.ts";

const attribute = "value.shared";

export const getAnnotationRow = row<GetAnnotationArgs>({
  state: "authenticated",
  args: getAnnotationArgs,
  at: here,
  async run(session, { mailbox, entries, attributes }) {
    const found = await freeSpaceOf(session, entries);
    if (mailbox !== "") throw new No("CANNOT", "GETANNOTATION does not know mailboxes, use GETMETADATA");
    if (!attributes.includes(attribute)) return undefined;
    for (const [entry, value] of found) {
      session.untagged(`ANNOTATION "" ${formatQuoted(entry)} ("${attribute}" ${formatQuoted(value)})`);
    }
    return undefined;
  },
});
