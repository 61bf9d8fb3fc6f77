// The arguments of CREATE (RFC 3501 §6.3.3) with Cyrus' second one, by which administrators choose where the mailbox will
// be: "partition", "server" or "server!partition", and since Cyrus 3 also as parameters (RFC 4466 §2.2):
// (SERVER server PARTITION partition) (S119).

import { Bad, No } from "../../base/fault.ts";
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
  const target = reader.skip(" ") ? readTarget(reader) : undefined;
  reader.end();
  return { mailbox, target };
}

const serverPattern = /^[A-Za-z0-9._:-]+$/;
const partitionPattern = /^[A-Za-z0-9]+$/;

function readTarget(reader: Reader): CreateTarget {
  if (reader.peek() === "(") return readParameters(reader);
  const text = reader.astring();
  const bang = text.indexOf("!");
  if (bang < 0) return { server: undefined, partition: undefined, word: checked(text, serverPattern) };
  return {
    server: checked(text.slice(0, bang), serverPattern),
    partition: checked(text.slice(bang + 1), partitionPattern),
    word: undefined,
  };
}

function readParameters(reader: Reader): CreateTarget {
  const found: { server?: string; partition?: string } = {};
  reader.list(() => {
    const name = reader.keyword();
    reader.space();
    if (name === "SERVER" && found.server === undefined) found.server = checked(reader.astring(), serverPattern);
    else if (name === "PARTITION" && found.partition === undefined)
      found.partition = checked(reader.astring(), partitionPattern);
    else
      throw name === "USE"
        ? new No("USEATTR", "Special uses are not supported")
        : new Bad(`Invalid CREATE parameter "${name}"`);
  });
  if (found.server === undefined && found.partition === undefined) throw new Bad("Missing CREATE parameter");
  return { server: found.server, partition: found.partition, word: undefined };
}

function checked(text: string, pattern: RegExp): string {
  if (!pattern.test(text)) throw new Bad("Invalid partition name in CREATE");
  return text;
}
