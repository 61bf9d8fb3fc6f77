// REPLACE and UID REPLACE (RFC 8508): a new message, in any mailbox, takes the place of one in the selected mailbox. Within
// one mailbox that is one transaction; else the old message goes when the new one is on disk, and a repetition after a
// crash in between finds it there.

import { No } from "../../base/fault.ts";
import { hasRight, Right } from "../../mailbox/acl.ts";
import type { Place } from "../../mailbox/place.ts";
import type { Uid } from "../../mailbox/store.ts";
import { SequenceSet } from "../../wire/sequence-set.ts";
import { formatAstring } from "../../wire/writer.ts";
import { localMail, rightsOf } from "../access.ts";
import type { AppendUpload } from "../append/append-upload.ts";
import { appendingRow } from "../append/appending-row.ts";
import { LocalAppend } from "../append/local-append.ts";
import { RemoteAppend } from "../append/remote-append.ts";
import { ReplaceUpload } from "../append/replace-upload.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { Replaced } from "../message-batch.ts";
import type { AppendHead } from "../parse/append.ts";
import { type CopySource, type ListedMessage, requireMovableAnywhere, sourceOf } from "../plans/copy.ts";
import type { Command, Row } from "../row.ts";
import { expungeIssued } from "../selected.ts";
import type { Session } from "../session.ts";
import { locateTarget } from "../target.ts";

export const replaceRow = makeRow(false);
export const uidReplaceRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return appendingRow("selected", {
    shape: { hasMessageNumber: true, names: 1 },
    open: (session, command, head, prefix) => open(session, command, head, prefix, isUid),
  });
}

async function open(
  session: Session,
  { tag }: Command,
  { mailbox, number }: AppendHead,
  prefix: string,
  isUid: boolean,
): Promise<AppendUpload> {
  const { selection } = session;
  const place = await locateTarget(session, mailbox);
  if (selection?.kind === "elsewhere" && place.kind === "elsewhere" && place.server === selection.remote.server) {
    const { remote } = selection;
    const isDoubtful = isInsertDoubtful(session, place);
    if (remote.capabilities.has("REPLACE")) return new RemoteAppend(session, { remote, tag, prefix, isDoubtful });
  }
  requireMovableAnywhere(session);
  const source = sourceOf(session);
  const old = await findOld(session, source, number, isUid);
  if (place.kind === "elsewhere") {
    const remote = await session.links.to(place.server);
    const command = `${tag} APPEND ${formatAstring(mailbox)}`;
    const append = { remote, tag, prefix: command, isDoubtful: isInsertDoubtful(session, place) };
    return new ReplaceUpload(session, place.entry.name, new RemoteAppend(session, append), old.from, () =>
      source.remove([old.uid]),
    );
  }
  const replaced = selection?.kind === "here" ? roomOf(session, selection.local, place, old.uid as Uid) : undefined;
  const upload = await LocalAppend.open(session, place, replaced);
  return replaced?.uid === undefined
    ? new ReplaceUpload(session, place.entry.name, upload, old.from, () => source.remove([old.uid]))
    : new ReplaceUpload(session, place.entry.name, upload, undefined, async () => {});
}

function isInsertDoubtful(session: Session, { entry }: Place): boolean {
  return !hasRight(rightsOf(session, entry), Right.insert);
}

async function findOld(session: Session, source: CopySource, number: string, isUid: boolean): Promise<ListedMessage> {
  const set = SequenceSet.parse(number);
  const [old] = set ? await source.list({ set }, isUid, true) : [];
  if (old) return old;
  if (isUid) throw new No(undefined, `There is no message with the UID ${number}`);
  session.log.debug("message to replace is gone", { number });
  throw new No(expungeIssued.code, expungeIssued.text);
}

/** What the old message leaves to the new one: its room below the same quota root, its transaction in the same mailbox. */
function roomOf(session: Session, selection: LocalSelection, { entry }: Place, uid: Uid): Replaced | undefined {
  const { quota } = localMail(session);
  const selected = selection.entry(session);
  const isSame = selected.uniqueId === entry.uniqueId;
  if (!isSame && quota.rootOf(selected.name)?.name !== quota.rootOf(entry.name)?.name) return undefined;
  const [record] = selection.mailbox.records([uid], session.user.user);
  return record && { octets: record.size, uid: isSame ? uid : undefined };
}
