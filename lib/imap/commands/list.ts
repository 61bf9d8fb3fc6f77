// LIST (RFC 3501 §6.3.8), and RLIST (RFC 2193 §3.2) which also says that the client understands referrals. Answered from
// the mailbox list of this process, on every kind of server (S113). The extended form is in list/extended-list.ts.

import { TimeSlice } from "../../base/time-slice.ts";
import { formatAstring, formatQuoted } from "../../wire/writer.ts";
import { requireCompleteList } from "../access.ts";
import { listExtended } from "../list/extended-list.ts";
import { type ListedMailbox, listMailboxes } from "../listing.ts";
import type { ListArgs } from "../parse/list.ts";
import { type ExtendedListArgs, extendedListArgs } from "../parse/list-extended.ts";
import { type Answer, here, row } from "../row.ts";
import type { Session } from "../session.ts";

/** Entries looked at between two looks at the clock. */
const entriesPerLook = 64;
/** Text collected before it is sent. */
const flushSize = 16_384;

export const listRow = row<ExtendedListArgs>({ state: "authenticated", args: extendedListArgs, at: here, run: list });

export const rlistRow = row<ExtendedListArgs>({
  state: "authenticated",
  args: extendedListArgs,
  at: here,
  run(session, args) {
    session.understandsReferrals = true;
    return list(session, args);
  },
});

function list(session: Session, args: ExtendedListArgs): Promise<Answer> {
  const { reference, patterns, isExtended } = args;
  return isExtended ? listExtended(session, args) : listPlain(session, { reference, pattern: patterns[0]! });
}

async function listPlain(session: Session, args: ListArgs): Promise<undefined> {
  if (args.pattern === "") {
    session.untagged(`LIST (\\Noselect) ${formatQuoted(session.namespace.separator)} ""`);
    return;
  }
  requireCompleteList(session);
  const separator = formatQuoted(session.namespace.separator);
  const slice = new TimeSlice(session.server.clock);
  let text = "";
  let seen = 0;
  for (const settled of listMailboxes(session, args)) {
    for (const mailbox of settled) text += formatListed(mailbox, separator);
    if (text.length >= flushSize) {
      if (!session.send(text)) await session.drained();
      text = "";
    }
    if (++seen % entriesPerLook === 0 && slice.isOver) await slice.next();
    if (!session.connection.isOpen) return;
  }
  session.send(text);
}

function formatListed({ external, entry, hasChildren }: ListedMailbox, separator: string): string {
  const flags = `${entry ? "" : "\\Noselect "}${hasChildren ? "\\HasChildren" : "\\HasNoChildren"}`;
  return `* LIST (${flags}) ${separator} ${formatAstring(external)}\r\n`;
}
