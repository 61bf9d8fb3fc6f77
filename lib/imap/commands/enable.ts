// ENABLE (RFC 5161): switches extensions on that change what the client must understand.

import { capabilities } from "../capability.ts";
import { enableCondstore, enableQresync } from "../condstore.ts";
import { here, row } from "../row.ts";
import type { Session } from "../session.ts";

/** What can be enabled; other names are ignored by rule. */
const enableable: ReadonlyMap<string, (session: Session) => void> = new Map([
  ["CONDSTORE", enableCondstore],
  ["QRESYNC", enableQresync],
]);

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
  async run(session, names) {
    const announced = new Set(capabilities(session));
    const on = names.filter((name) => enableable.has(name) && announced.has(name));
    session.untagged(["ENABLED", ...new Set(on)].join(" "));
    for (const name of on) enableable.get(name)!(session);
    // Other servers hear of it before their next command.
    await session.relaying.levelSelected();
    return undefined;
  },
});
