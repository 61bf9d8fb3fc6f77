// ENABLE (RFC 5161): switches extensions on that change what the client must understand.

import { here, row } from "../row.ts";

/** What can be enabled; unknown names are ignored by rule. */
const enableable: ReadonlySet<string> = new Set<string>();

export const enableRow = row<readonly string[]>({
  state: "authenticated",
  args(reader) {
    const names: string[] = [];
    reader.space();
    do names.push(reader.keyword());
    while (reader.skip(" "));
    reader.end();
    return names;
  },
  at: here,
  run(session, names) {
    const fresh = names.filter((name) => enableable.has(name) && !session.enabled.has(name));
    for (const name of fresh) session.enabled.add(name);
    session.untagged(["ENABLED", ...fresh].join(" "));
    return undefined;
  },
});
