// Arguments that several commands on mailboxes share: one mailbox, a mailbox and a string (RFC 3501 §9, RFC 4314 §3).
// Names are checked by the namespace when they are used, so that a name that can be none is NO and not BAD.

import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";

/** A mailbox name as the client wrote it. */
export function readMailbox(reader: Reader): ExternalName {
  return reader.astring() as ExternalName; // the one place where a command's name gets its type
}

export interface MailboxArgs {
  readonly mailbox: ExternalName;
}

/** SP mailbox */
export function mailboxArgs(reader: Reader): MailboxArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  reader.end();
  return { mailbox };
}

export interface IdentifierArgs extends MailboxArgs {
  readonly identifier: string;
}

/** SP mailbox SP identifier */
export function identifierArgs(reader: Reader): IdentifierArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  reader.space();
  const identifier = reader.astring();
  reader.end();
  return { mailbox, identifier };
}
