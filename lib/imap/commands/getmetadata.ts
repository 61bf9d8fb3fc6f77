// GETMETADATA (RFC 5464 §4.2): annotations of a mailbox, or of the server. The server's own are kept with the user's INBOX,
// at his home server; only how much room there is (free-space-entries.ts) is said by whoever is asked.

import { findHere } from "../access.ts";
import { freeSpaceOf, isFreeSpace } from "../free-space-entries.ts";
import { type EntryPair, formatMetadata } from "../metadata/metadata-response.ts";
import { type EntryFound, readEntries, requireMayRead } from "../metadata/read-entries.ts";
import { type GetMetadataArgs, getMetadataArgs } from "../parse/getmetadata.ts";
import { toNamed } from "../pass-on.ts";
import { getMetadataPlan } from "../plans/metadata.ts";
import { type Answer, planned, row } from "../row.ts";
import type { Session } from "../session.ts";

const shared = "/shared";
const toPlaceOf = toNamed(getMetadataArgs);

export const getMetadataRow = row<GetMetadataArgs>({
  state: "authenticated",
  args: getMetadataArgs,
  at: planned(getMetadataPlan),
  passesTo(session, command) {
    const to = toPlaceOf(session, command);
    return typeof to === "object" && to.capabilities.has("METADATA") ? to : undefined;
  },
  run: getMetadata,
});

async function getMetadata(session: Session, args: GetMetadataArgs): Promise<Answer> {
  const found = args.mailbox === "" ? await ofServer(session, args) : ofMailbox(session, args);
  const { maxSize = Number.POSITIVE_INFINITY } = args;
  const shown = found.filter(({ value }) => value.length <= maxSize);
  const pairs = shown.map(({ entry, value }): EntryPair => [entry, value]);
  if (pairs.length > 0) session.untagged(formatMetadata(args.mailbox, pairs));
  if (shown.length === found.length) return undefined;
  const longest = Math.max(...found.map(({ value }) => value.length));
  return { code: `METADATA LONGENTRIES ${longest}` };
}

function ofMailbox(session: Session, args: GetMetadataArgs): readonly EntryFound[] {
  const mailbox = findHere(session, args.mailbox);
  requireMayRead(session, mailbox);
  return readEntries(session, mailbox, args);
}

async function ofServer(session: Session, args: GetMetadataArgs): Promise<readonly EntryFound[]> {
  const room = args.entries.filter(isFreeSpace).map((entry) => entry.slice(shared.length));
  const found = room.length === 0 ? [] : await freeSpaceOf(session, room);
  const kept = session.server.local ? readEntries(session, undefined, args) : [];
  return [...found.map(([entry, value]) => ({ entry: shared + entry, value })), ...kept];
}
