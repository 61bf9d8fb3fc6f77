// LIST responses that nobody asked for (RFC 5465 §5.4, §5.5): a name that appeared, went, got another name, or was
// subscribed to. They are written as LIST would, and carry what RFC 5258 adds.

import { formatAstring, formatQuoted } from "../../wire/writer.ts";
import { findVisible, hasVisibleBelow } from "../listing.ts";
import type { Session } from "../session.ts";

export interface NameNews {
  readonly isSubscribed?: boolean;
  /** The user may look it up, and not read it: what he wanted to hear of it he will not (RFC 5465 §3.1). */
  readonly isForbidden?: boolean;
  readonly oldName?: string;
}

export function nameLine(session: Session, external: string, { isSubscribed, isForbidden, oldName }: NameNews): string {
  const attributes: string[] = [];
  if (isForbidden) attributes.push("\\NoAccess");
  if (!findVisible(session, external)) attributes.push("\\NonExistent");
  else attributes.push(hasVisibleBelow(session, external) ? "\\HasChildren" : "\\HasNoChildren");
  if (isSubscribed) attributes.push("\\Subscribed");
  const extended = oldName === undefined ? "" : ` ("OLDNAME" (${formatAstring(oldName)}))`;
  const separator = formatQuoted(session.namespace.separator);
  return `LIST (${attributes.join(" ")}) ${separator} ${formatAstring(external)}${extended}`;
}
