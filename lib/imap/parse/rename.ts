// The arguments of RENAME (RFC 3501 §6.3.5) with Cyrus' third one, where the mailbox shall be.

import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";
import { readMailbox } from "./mailbox.ts";

export interface RenameArgs {
  readonly from: ExternalName;
  readonly to: ExternalName;
  readonly target: string | undefined;
}

export function renameArgs(reader: Reader): RenameArgs {
  reader.space();
  const from = readMailbox(reader);
  reader.space();
  const to = readMailbox(reader);
  const target = reader.skip(" ") ? reader.astring() : undefined;
  reader.end();
  return { from, to, target };
}
