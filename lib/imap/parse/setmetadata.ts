// The arguments of SETMETADATA (RFC 5464 §4.3): a mailbox or "" for the server, entries with their values.

import { latin1 } from "../../base/bytes.ts";
import { Bad } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";
import { isEntryName } from "./getmetadata.ts";
import { type MailboxArgs, readMailbox } from "./mailbox.ts";

export interface EntryValue {
  /** With "/shared" or "/private", in lower case. */
  readonly entry: string;
  /** Octets, as latin1; undefined removes the entry. */
  readonly value: string | undefined;
}

export interface SetMetadataArgs extends MailboxArgs {
  readonly values: readonly EntryValue[];
}

export function setMetadataArgs(reader: Reader): SetMetadataArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  reader.space();
  const values = reader.list(() => {
    const entry = reader.astring().toLowerCase();
    if (!isEntryName(entry, true)) throw new Bad(`Invalid entry "${entry}"`);
    reader.space();
    return { entry, value: reader.isAtLiteral ? latin1(reader.literalBytes()) : reader.nstring() };
  });
  reader.end();
  if (values.length === 0) throw new Bad("Missing entries");
  return { mailbox, values };
}
