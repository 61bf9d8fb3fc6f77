// The LSUB responses (RFC 3501 §6.3.9) to a list of subscribed names, wherever that came from. A subscription outlives its
// mailbox: names that are no mailbox of the whole murder now are shown with \Noselect (S79), all others without (S80).

import { formatAstring, formatQuoted } from "../wire/writer.ts";
import { findVisible, matcherOf } from "./listing.ts";
import type { ListArgs } from "./parse/list.ts";
import type { Session } from "./session.ts";

export function sendSubscribed(session: Session, args: ListArgs, subscribed: readonly string[]): void {
  const separator = formatQuoted(session.namespace.separator);
  const matcher = matcherOf(session, args);
  const levels = new Set<string>();
  let text = "";
  for (const external of subscribed) {
    if (matcher.matches(external)) {
      const flags = findVisible(session, external) ? "" : "\\Noselect";
      text += `* LSUB (${flags}) ${separator} ${formatAstring(external)}\r\n`;
    } else if (args.pattern.endsWith("%")) {
      for (const level of matcher.matchingAncestors(external)) levels.add(level);
    }
  }
  // "foo.bar" is subscribed and "%" asked for: "foo" is shown, with \Noselect even if it is a mailbox.
  for (const level of levels) {
    if (!subscribed.includes(level)) text += `* LSUB (\\Noselect) ${separator} ${formatAstring(level)}\r\n`;
  }
  if (text !== "") session.send(text);
}
