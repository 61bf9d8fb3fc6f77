// Who understands MODSEQs (CONDSTORE, RFC 7162 §3.1), and who wants VANISHED for EXPUNGE (QRESYNC, §3.2): said by ENABLE, or
// by the first command that uses them.

import { Reader } from "../wire/reader.ts";
import type { Command } from "./row.ts";
import type { Session } from "./session.ts";

/** FETCH tells MODSEQ and UID of its own accord. */
export function hasCondstore(session: Session): boolean {
  return session.enabled.has("CONDSTORE");
}

export function hasQresync(session: Session): boolean {
  return session.enabled.has("QRESYNC");
}

/** From now on. The first time in a selected mailbox the client hears where he stands (RFC 7162 §3.1). */
export function enableCondstore(session: Session): void {
  if (hasCondstore(session)) return;
  session.enabled.add("CONDSTORE");
  const { selection } = session;
  if (selection?.kind === "here") session.untagged(`OK [HIGHESTMODSEQ ${selection.local.modSeq}] CONDSTORE is enabled`);
}

export function enableQresync(session: Session): void {
  enableCondstore(session);
  session.enabled.add("QRESYNC");
}

const usesModSeqs = /MODSEQ|CHANGEDSINCE/i;

/** Finds out whether a command enables CONDSTORE that another server gets as it came. Returns whether it does. */
export function noteCondstore<Args>(
  session: Session,
  { frame, argumentsAt }: Command,
  readArgs: (reader: Reader, session: Session) => Args,
  asksForModSeqs: (args: Args) => boolean,
): boolean {
  if (hasCondstore(session) || !frame.texts.some((text) => usesModSeqs.test(text))) return false;
  try {
    if (!asksForModSeqs(readArgs(new Reader(frame, argumentsAt), session))) return false;
  } catch {
    return false; // refused where it is answered
  }
  enableCondstore(session);
  return true;
}
