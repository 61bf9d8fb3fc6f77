// NAMESPACE (RFC 2342 §5): where the user's own, other users' and shared mailboxes are found.

import { formatQuoted } from "../../wire/writer.ts";
import { here, noArguments, row } from "../row.ts";

export const namespaceRow = row({
  state: "authenticated",
  args: noArguments,
  at: here,
  run(session) {
    const { namespace } = session;
    const separator = formatQuoted(namespace.separator);
    const { personal, otherUsers, shared } = namespace.prefixes(true);
    const parts = [personal, otherUsers, shared].map((prefix) =>
      prefix === undefined ? "NIL" : `((${formatQuoted(prefix)} ${separator}))`,
    );
    session.untagged(`NAMESPACE ${parts.join(" ")}`);
    return undefined;
  },
});
