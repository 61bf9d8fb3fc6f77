// DELETE, SETACL and DELETEACL: done by the server that has the mailbox (S109, S111).

import type { Completion } from "../../mailbox/place.ts";
import { requireKnown } from "../access.ts";
import type { MailboxArgs } from "../parse/mailbox.ts";
import { referAdministrator } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { changeAt } from "./change-elsewhere.ts";

export async function changeMailboxPlan(
  session: Session,
  { mailbox }: MailboxArgs,
  command: Command,
): Promise<Completion | "here"> {
  const place = await session.server.router.locate(session.namespace.toInternal(mailbox));
  requireKnown(session, place.entry);
  if (place.kind === "elsewhere") referAdministrator(session, place.server, mailbox);
  return changeAt(session, command, place);
}
