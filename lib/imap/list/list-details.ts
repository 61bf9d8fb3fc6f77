// What LIST tells of a mailbox behind its LIST response (RFC 5819, RFC 8440, RFC 9590). Questions to other servers are sent
// when a mailbox is found, its turn to be shown comes later: so all places work at once. STATUS is asked for mailbox by
// mailbox and not by one LIST to each place: that needs nothing of the other server that IMAP4rev1 does not have, and the
// answers come in the order of this list. Pipelined it takes hardly longer: nearly all of the time goes into opening mailboxes.

import { No } from "../../base/fault.ts";
import { formatRights, hasRight, Right } from "../../mailbox/acl.ts";
import type { MailboxEntry } from "../../mailbox/list.ts";
import type { UntaggedResponse } from "../../mailbox/place.ts";
import { formatAstring } from "../../wire/writer.ts";
import { findHere, rightsOf } from "../access.ts";
import type { AskedPlaces } from "../asked-places.ts";
import { metadataOf } from "../metadata/metadata-of.ts";
import type { ListReturns } from "../parse/list-extended.ts";
import type { StatusItem } from "../parse/status.ts";
import { astringPart } from "../plans/ask.ts";
import { formatUntagged } from "../plans/untagged.ts";
import { serverOf } from "../server-of.ts";
import type { Session } from "../session.ts";
import { statusOf } from "../status-of.ts";

/** The lines of a response, when it is its turn; "" leaves it out. */
export type Detail = () => Promise<string | Uint8Array> | string;

/** Begins to find out what must be asked for; called in the order of the list. */
export type DetailsOf = (mailbox: MailboxEntry, external: string) => readonly Detail[];

/** What cannot be told is left out (RFC 5819 §2, RFC 9590 §3): the mailbox is shown all the same. */
export function detailsOf(session: Session, returns: Readonly<ListReturns>, places: AskedPlaces): DetailsOf {
  const makers: ((mailbox: MailboxEntry, external: string) => Detail)[] = [];
  const { status, metadata } = returns;
  if (status) makers.push((mailbox, external) => statusDetail(session, places, mailbox, external, status));
  if (returns.myRights) {
    makers.push(
      (mailbox, external) => () =>
        `* MYRIGHTS ${formatAstring(external)} ${formatRights(rightsOf(session, mailbox))}\r\n`,
    );
  }
  if (metadata) {
    makers.push((mailbox, external) =>
      begun(session, mailbox, metadataOf(session, places, mailbox, external, metadata)),
    );
  }
  return (mailbox, external) => makers.map((make) => make(mailbox, external));
}

function statusDetail(
  session: Session,
  places: AskedPlaces,
  mailbox: MailboxEntry,
  external: string,
  items: readonly StatusItem[],
): Detail {
  if (!hasRight(rightsOf(session, mailbox), Right.read)) return () => "";
  const server = serverOf(session, mailbox);
  if (server === "here") {
    return () => orNothing(session, external, async () => statusOf(session, findHere(session, external), items));
  }
  const question = ["STATUS ", astringPart(external), ` (${items.join(" ")})`];
  const asked = places.ask(server, question, readStatus);
  asked.catch(() => {}); // heard when its turn comes
  return async () => (await asked)?.[0] ?? "";
}

function begun(session: Session, mailbox: MailboxEntry, response: Promise<string | undefined>): Detail {
  response.catch(() => {}); // heard when its turn comes
  return () => orNothing(session, mailbox.name, () => response);
}

/** The response as it came. */
function readStatus({ frame }: UntaggedResponse): Uint8Array | undefined {
  return /^STATUS /i.test(frame.texts[0] ?? "") ? formatUntagged(frame) : undefined;
}

async function orNothing({ log }: Session, mailbox: string, make: () => Promise<string | undefined>): Promise<string> {
  try {
    const response = await make();
    return response === undefined ? "" : `* ${response}\r\n`;
  } catch (fault) {
    if (!(fault instanceof No)) throw fault;
    log.debug("left out of LIST", { mailbox, reason: fault.message });
    return "";
  }
}
