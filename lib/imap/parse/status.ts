// The arguments of STATUS (RFC 3501 §6.3.10) and the items this server knows, with those that RFC 9208 §5.1 and §5.2 ask
// of servers with quota, SIZE (RFC 8438) and HIGHESTMODSEQ
// (RFC 7162 §3.1.7).

import { Bad } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";
import { type MailboxArgs, readMailbox } from "./mailbox.ts";

export const statusItems = [
  "MESSAGES",
  "RECENT",
  "UIDNEXT",
  "UIDVALIDITY",
  "UNSEEN",
  "DELETED",
  "DELETED-STORAGE",
  "SIZE",
  "HIGHESTMODSEQ",
] as const;
export type StatusItem = (typeof statusItems)[number];

export interface StatusArgs extends MailboxArgs {
  readonly items: readonly StatusItem[];
}

export function statusArgs(reader: Reader): StatusArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  reader.space();
  const items = readStatusItems(reader);
  reader.end();
  return { mailbox, items };
}

/** "(" items ")": also of LIST (RFC 5819). */
export function readStatusItems(reader: Reader): readonly StatusItem[] {
  const items = reader.list(() => readItem(reader));
  if (items.length === 0) throw new Bad("Missing STATUS attributes");
  return [...new Set(items)];
}

function readItem(reader: Reader): StatusItem {
  const word = reader.keyword();
  const item = statusItems.find((each) => each === word);
  if (item === undefined) throw new Bad(`Unknown STATUS attribute "${word}"`);
  return item;
}
