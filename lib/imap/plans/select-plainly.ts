// SELECT for a client of CONDSTORE or QRESYNC at a server that has it not: without what that would not understand, and with the
// word that there are no MODSEQs (RFC 7162 §3.1.2.2).

import { fromLatin1 } from "../../base/bytes.ts";
import type { Completion, Remote } from "../../mailbox/place.ts";
import type { Frame } from "../../wire/frame.ts";
import { formatAstring } from "../../wire/writer.ts";
import { hasCondstore, hasQresync } from "../condstore.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";

/** Whether it is so. */
export function lacksModSeqs(session: Session, { capabilities }: Remote): boolean {
  if (hasQresync(session)) return !capabilities.has("QRESYNC");
  return hasCondstore(session) && !capabilities.has("CONDSTORE") && !capabilities.has("QRESYNC");
}

export async function selectPlainly(
  session: Session,
  command: Command,
  mailbox: string,
  remote: Remote,
): Promise<Completion> {
  const completion = await session.relay({ ...command, frame: plainFrame(command, mailbox) }, remote);
  if (completion.status === "OK") session.untagged("OK [NOMODSEQ] The mailbox has no MODSEQs");
  return completion;
}

function plainFrame({ tag, name }: Command, mailbox: string): Frame {
  const text = formatAstring(mailbox);
  if (!text.startsWith("{")) return { texts: [`${tag} ${name} ${text}`], literals: [] };
  const bytes = fromLatin1(mailbox);
  return {
    texts: [`${tag} ${name} `, ""],
    literals: [{ size: bytes.length, isBinary: false, isSynchronizing: true, sunk: undefined, bytes }],
  };
}
