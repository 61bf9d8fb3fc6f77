// The arguments of CREATE (RFC 3501 §6.3.3) with Cyrus' second one, by which administrators choose where the mailbox will
// be: "partition", "server" or "server!partition" (S119).

import { Bad } from "../../base/fault.ts";
import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";
import { readMailbox } from "./mailbox.ts";

export interface CreateArgs {
  readonly mailbox: ExternalName;
  readonly target: CreateTarget | undefined;
}

export interface CreateTarget {
  readonly server: string | undefined;
  readonly partition: string | undefined;
  /** One word without "!": a partition where one has that name, else a server. */
  readonly word: string | undefined;
}

export function createArgs(reader: Reader): CreateArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  const target = reader.skip(" ") ? readTarget(reader.astring()) : undefined;
  reader.end();
  return { mailbox, target };
}

function readTarget(text: string): CreateTarget {
  if (!/^[A-Za-z0-9._:-]+(![A-Za-z0-9]+)?$/.test(text)) throw new Bad("Invalid partition name in CREATE");
  const bang = text.indexOf("!");
  if (bang < 0) return { server: undefined, partition: undefined, word: text };
  return { server: text.slice(0, bang), partition: text.slice(bang + 1), word: undefined };
}
