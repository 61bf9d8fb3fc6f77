// COPY and MOVE: which messages, and where to (RFC 3501 §6.4.7, RFC 6851).

import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";
import type { SequenceSet } from "../../wire/sequence-set.ts";
import { readMailbox } from "./mailbox.ts";
import { readSequenceSet } from "./sequence.ts";

export interface CopyArgs {
  readonly set: SequenceSet;
  readonly mailbox: ExternalName;
}

export function readCopy(reader: Reader): CopyArgs {
  reader.space();
  const set = readSequenceSet(reader);
  reader.space();
  const mailbox = readMailbox(reader);
  reader.end();
  return { set, mailbox };
}
