// ESEARCH in mailboxes of this server, one after the other: a response for each that has something (RFC 7377 §2.2).

import { No } from "../../base/fault.ts";
import type { MailboxEntry } from "../../mailbox/list.ts";
import type { Mailbox } from "../../mailbox/store.ts";
import { localMail } from "../access.ts";
import type { Floor } from "../floor.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { EsearchArgs } from "../parse/esearch.ts";
import type { Session } from "../session.ts";
import { esearchResponse, mailboxCorrelator, type Results, sendPieces } from "./answer.ts";
import { evaluate, type Found, resultsOf } from "./evaluate.ts";
import { type Searched, unselected } from "./searched.ts";

/** Who asked, and how he hears of it. */
export interface Asking {
  readonly session: Session;
  readonly tag: string;
  readonly args: EsearchArgs;
  readonly floor: Floor;
}

export async function searchSelected(asking: Asking, selection: LocalSelection): Promise<Found> {
  const { session, args } = asking;
  const { uids, mailbox } = selection;
  const found = await evaluate(session, selection, args.key, args.returns);
  const external = session.namespace.toExternal(selection.entry(session).name);
  await tell(asking, external, mailbox.totals().uidValidity, resultsOf(found, uids, true));
  return found;
}

/** A mailbox that is gone by now has nothing. */
export async function searchMailbox(asking: Asking, entry: MailboxEntry): Promise<void> {
  const { session, args } = asking;
  const mailbox = await openIfAny(session, entry);
  if (!mailbox) return;
  try {
    const searched: Searched = unselected(mailbox);
    const found = await evaluate(session, searched, args.key, args.returns);
    const results = resultsOf(found, searched.uids, true);
    await tell(asking, session.namespace.toExternal(entry.name), mailbox.totals().uidValidity, results);
  } finally {
    mailbox.release();
  }
}

/** Nothing is said of a mailbox where nothing was found. */
export async function tell(
  { session, tag, args, floor }: Asking,
  external: string,
  uidValidity: number,
  results: Results,
): Promise<void> {
  if (results.length === 0) return;
  const response = esearchResponse(mailboxCorrelator(tag, external, uidValidity), true, results, args.returns);
  await floor.during(() => sendPieces(session, response));
}

async function openIfAny(session: Session, { uniqueId, partition }: MailboxEntry): Promise<Mailbox | undefined> {
  try {
    return await localMail(session).store.open(uniqueId, partition);
  } catch (fault) {
    if (fault instanceof No && fault.code === "NONEXISTENT") return undefined;
    throw fault;
  }
}
