// CAPABILITY (RFC 9051 §6.1.1).

import { formatCapabilities } from "../capability.ts";
import { here, noArguments, row } from "../row.ts";

export const capabilityRow = row({
  state: "any",
  args: noArguments,
  at: here,
  async run(session) {
    if (session.isAuthenticated) await session.server.others?.settled();
    session.untagged(formatCapabilities(session));
    return undefined;
  },
});
