// ID (RFC 2971): names the software. A frontend's ID also carries the origin of the session: origin.ts.

import { Bad } from "../../base/fault.ts";
import type { IdPairs } from "../../mailbox/origin.ts";
import { formatNstring } from "../../wire/writer.ts";
import { here, row } from "../row.ts";

/** RFC 2971 §3.3: at most 30 pairs, keys of 30 octets, values of 1024. */
const maxPairs = 30;
const maxKey = 30;
const maxValue = 1024;

export const idRow = row<IdPairs>({
  state: "any",
  args(reader) {
    reader.space();
    const pairs = new Map<string, string | undefined>();
    if (reader.peekKeyword() === "NIL") reader.atom();
    else {
      const flat = reader.list(() => reader.nstring());
      if (flat.length % 2 !== 0) throw new Bad("ID needs pairs of strings");
      if (flat.length > 2 * maxPairs) throw new Bad(`Too many pairs in ID: at most ${maxPairs}`);
      for (let at = 0; at < flat.length; at += 2) {
        const key = flat[at];
        const value = flat[at + 1];
        if (key === undefined || key.length > maxKey) throw new Bad("Invalid key in ID");
        if (value !== undefined && value.length > maxValue) throw new Bad(`Value of "${key}" too long in ID`);
        pairs.set(key.toLowerCase(), value);
      }
    }
    reader.end();
    return pairs;
  },
  at: here,
  run(session, pairs) {
    const { config, version } = session.server;
    const told: [string, string][] = config.imapidresponse
      ? [
          ["name", "iatlas"],
          ["version", version],
          ["vendor", "iatlas"],
        ]
      : [];
    session.untagged(
      told.length === 0 ? "ID NIL" : `ID (${told.flatMap((pair) => pair.map(formatNstring)).join(" ")})`,
    );
    const { identity } = session;
    // Who acts for somebody else is a server of the murder: users' own words of where they come from are not believed.
    if (identity && identity.authenticated !== identity.user) session.relaying.comesFrom(pairs);
    if (!identity) session.relaying.hasPassedThrough(pairs);
    session.log.info("client id", { name: pairs.get("name"), version: pairs.get("version") });
    return undefined;
  },
});
