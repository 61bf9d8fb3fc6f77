// What LIST tells of a mailbox's annotations (RFC 9590): each entry that was asked for, NIL for those that are not there.

import type { MailboxEntry } from "../../mailbox/list.ts";
import { formatAstring } from "../../wire/writer.ts";
import { findHere } from "../access.ts";
import type { AskedPlaces } from "../asked-places.ts";
import type { MetadataQuery } from "../parse/getmetadata.ts";
import { astringPart } from "../plans/ask.ts";
import { serverOf } from "../server-of.ts";
import type { Session } from "../session.ts";
import { type EntryPair, formatMetadata, readMetadata } from "./metadata-response.ts";
import { readEntries, requireMayRead } from "./read-entries.ts";

/** Without "* "; begins to ask at once when the mailbox is elsewhere. Throws No where the user may not see them. */
export async function metadataOf(
  session: Session,
  places: AskedPlaces,
  mailbox: MailboxEntry,
  external: string,
  query: MetadataQuery,
): Promise<string | undefined> {
  requireMayRead(session, mailbox);
  const found = await valuesOf(session, places, mailbox, external, query);
  if (found === undefined) return undefined;
  const values = new Map(found);
  return formatMetadata(
    external,
    query.entries.map((entry) => [entry, values.get(entry)] as const),
  );
}

async function valuesOf(
  session: Session,
  places: AskedPlaces,
  mailbox: MailboxEntry,
  external: string,
  query: MetadataQuery,
): Promise<readonly EntryPair[] | undefined> {
  const server = serverOf(session, mailbox);
  if (server === "here") {
    const here = readEntries(session, findHere(session, external), query);
    return here.map(({ entry, value }) => [entry, value] as const);
  }
  const entries = query.entries.map(formatAstring).join(" ");
  const answers = await places.ask(server, ["GETMETADATA ", astringPart(external), ` (${entries})`], readMetadata);
  return answers?.flat();
}
