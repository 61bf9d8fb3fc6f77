// Which mailboxes ESEARCH looks into and NOTIFY watches: the filter-mailboxes of RFC 5465 §8, with the subtree-one that
// RFC 7377 §2.1 adds. What they stand for is in ../mailbox-filter.ts.

import { Bad } from "../../base/fault.ts";
import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";
import { readMailbox } from "./mailbox.ts";

/** Without names: they stand for what is selected, for the user's own mailboxes, for what he is subscribed to. */
const bareKinds = ["selected", "selected-delayed", "inboxes", "personal", "subscribed"] as const;
/** With one name or several. */
const namingKinds = ["subtree", "subtree-one", "mailboxes"] as const;

export type NamingFilter = {
  readonly kind: (typeof namingKinds)[number];
  readonly names: readonly ExternalName[];
};

export type MailboxFilter = { readonly kind: (typeof bareKinds)[number] } | NamingFilter;

/** One filter-mailboxes. */
export function readMailboxFilter(reader: Reader): MailboxFilter {
  const word = reader.keyword().toLowerCase();
  const bare = bareKinds.find((kind) => kind === word);
  if (bare) return { kind: bare };
  const kind = namingKinds.find((each) => each === word);
  if (!kind) throw new Bad(`Unknown kind of mailboxes "${word}"`);
  reader.space();
  const names = reader.peek() === "(" ? reader.list(() => readMailbox(reader)) : [readMailbox(reader)];
  if (names.length === 0) throw new Bad(`Missing mailbox names after "${word}"`);
  return { kind, names };
}

/** Whether it stands for the selected mailbox, whichever that is. */
export function isOfSelected({ kind }: MailboxFilter): boolean {
  return kind === "selected" || kind === "selected-delayed";
}
