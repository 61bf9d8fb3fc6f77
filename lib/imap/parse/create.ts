// The arguments of CREATE (RFC 3501 §6.3.3) with Cyrus' second one, by which administrators choose where the mailbox will
// be: "partition", "server" or "server!partition", and since Cyrus 3 also as parameters (RFC 4466 §2.2):
// (SERVER server PARTITION partition) (S119). USE is for everybody (RFC 6154 §3).

import { Bad } from "../../base/fault.ts";
import type { ExternalName } from "../../mailbox/name.ts";
import type { Reader } from "../../wire/reader.ts";
import { readMailbox } from "./mailbox.ts";

export interface CreateArgs {
  readonly mailbox: ExternalName;
  readonly target: CreateTarget | undefined;
  /** What the mailbox is for, as the client named it (RFC 6154 §3). */
  readonly uses: readonly string[] | undefined;
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
  const { uses, ...target } = reader.skip(" ") ? readTarget(reader) : nothing;
  reader.end();
  const hasTarget = (target.server ?? target.partition ?? target.word) !== undefined;
  return { mailbox, target: hasTarget ? target : undefined, uses };
}

interface Parameters extends CreateTarget {
  readonly uses: readonly string[] | undefined;
}

const nothing: Parameters = { server: undefined, partition: undefined, word: undefined, uses: undefined };

const serverPattern = /^[A-Za-z0-9._:-]+$/;
const partitionPattern = /^[A-Za-z0-9]+$/;

function readTarget(reader: Reader): Parameters {
  if (reader.peek() === "(") return readParameters(reader);
  const text = reader.astring();
  const bang = text.indexOf("!");
  if (bang < 0) return { ...nothing, word: checked(text, serverPattern) };
  return {
    ...nothing,
    server: checked(text.slice(0, bang), serverPattern),
    partition: checked(text.slice(bang + 1), partitionPattern),
  };
}

function readParameters(reader: Reader): Parameters {
  const found: { server?: string; partition?: string; uses?: readonly string[] } = {};
  reader.list(() => {
    const name = reader.keyword();
    reader.space();
    if (name === "SERVER" && found.server === undefined) found.server = checked(reader.astring(), serverPattern);
    else if (name === "PARTITION" && found.partition === undefined)
      found.partition = checked(reader.astring(), partitionPattern);
    else if (name === "USE" && found.uses === undefined) found.uses = reader.list(() => readUse(reader));
    else throw new Bad(`Invalid CREATE parameter "${name}"`);
  });
  if (Object.keys(found).length === 0) throw new Bad("Missing CREATE parameter");
  return { ...nothing, ...found };
}

function readUse(reader: Reader): string {
  const use = reader.token(/\\[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+/y);
  if (use === undefined) throw new Bad("Invalid special use in CREATE");
  return use;
}

function checked(text: string, pattern: RegExp): string {
  if (!pattern.test(text)) throw new Bad("Invalid partition name in CREATE");
  return text;
}
