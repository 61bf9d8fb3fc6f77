// The arguments of LIST, LSUB, RLIST and RLSUB (RFC 3501 §6.3.8): a reference and a pattern.

import type { Reader } from "../../wire/reader.ts";

export interface ListArgs {
  readonly reference: string;
  /** Empty asks for the hierarchy separator only. */
  readonly pattern: string;
}

export function listArgs(reader: Reader): ListArgs {
  reader.space();
  const reference = reader.astring();
  reader.space();
  const pattern = reader.listMailbox();
  reader.end();
  return { reference, pattern };
}
