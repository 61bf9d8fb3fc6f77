// SELECT (RFC 3501 §6.3.1). EXAMINE is the same without leave to change anything: examine.ts.

import { hasRight, Right, type Rights } from "../../mailbox/acl.ts";
import { findHere, localMail, requireRights } from "../access.ts";
import { LocalSelection } from "../local-selection.ts";
import { type MailboxArgs, mailboxArgs } from "../parse/mailbox.ts";
import { selectPlan } from "../plans/select.ts";
import { type Ok, planned, row } from "../row.ts";
import type { Session } from "../session.ts";

export const selectRow = row<MailboxArgs>({
  state: "authenticated",
  leavesMailbox: true,
  args: mailboxArgs,
  at: planned(selectPlan),
  run: (session, { mailbox }) => selectHere(session, mailbox, false),
});

/** Opens a mailbox of this server and tells what is in it; `isExamined` leaves it as it is. */
export async function selectHere(session: Session, external: string, isExamined: boolean): Promise<Ok> {
  const entry = findHere(session, external);
  const rights = requireRights(session, entry, Right.read);
  const mailbox = await localMail(session).store.open(entry.uniqueId, entry.partition);
  let selection: LocalSelection;
  try {
    selection = new LocalSelection(session, entry, mailbox, isExamined || !mayChange(rights), isExamined);
    describe(session, selection);
  } catch (fault) {
    mailbox.release();
    throw fault;
  }
  session.selection = { kind: "here", local: selection };
  return { code: selection.isReadOnly ? "READ-ONLY" : "READ-WRITE" };
}

/** RFC 4314 §5.2: read-only is what the user has no right to change in any way. */
function mayChange(rights: Rights): boolean {
  return [Right.insert, Right.expunge, Right.seen, Right.deleteMessage, Right.write].some((right) =>
    hasRight(rights, right),
  );
}

function describe(session: Session, selection: LocalSelection): void {
  const { mailbox, uids } = selection;
  const { uidValidity, uidNext } = mailbox.totals();
  const { firstUid } = mailbox.unseen(session.user.user);
  const unseenIndex = firstUid === undefined ? -1 : selection.indexOf(firstUid);
  session.send(
    `* ${uids.length} EXISTS\r\n* ${selection.recentCount} RECENT\r\n${selection.describeFlags(session)}` +
      (unseenIndex < 0 ? "" : `* OK [UNSEEN ${unseenIndex + 1}] Ok\r\n`) +
      `* OK [UIDVALIDITY ${uidValidity}] Ok\r\n* OK [UIDNEXT ${uidNext}] Ok\r\n`,
  );
}
