// APPEND (RFC 9051 §6.3.12) and MULTIAPPEND (RFC 3502), read piece by piece while the literals come in: each piece of text
// stands before a message's literal.

import { fromLatin1, latin1 } from "../../base/bytes.ts";
import { Bad } from "../../base/fault.ts";
import type { Flags } from "../../mailbox/store.ts";
import { parseDateTime } from "../../wire/date.ts";
import type { Frame } from "../../wire/frame.ts";
import { Reader } from "../../wire/reader.ts";
import { readFlagList } from "./flags.ts";

/** What stands before a message. */
export interface AppendOptions {
  readonly flags: Flags;
  /** Milliseconds since 1970; undefined: now. */
  readonly internalDateMs: number | undefined;
}

/** Longer literals cannot be a mailbox name. */
export const maxNameLiteral = 1024;

/**
 * Whether the literal that comes next is a mailbox name and not a message. `names`: APPEND has one, Cyrus' LOCALAPPEND a
 * second: what is selected on the frontend.
 */
export function isNameLiteral(head: Frame, argumentsAt: number, names: number): boolean {
  const reader = readerOf(head, argumentsAt);
  for (let name = 0; name < names; name++) {
    reader.space();
    if (reader.isAtEnd) return true;
    reader.astring();
  }
  return false;
}

/** Reads everything up to the first message's literal. A mailbox name that was a literal is in `sunk`. */
export function readAppendHead(
  head: Frame,
  argumentsAt: number,
  names: number,
): { readonly mailbox: string } & AppendOptions {
  const reader = readerOf(head, argumentsAt);
  reader.space();
  const mailbox = reader.astring();
  for (let name = 1; name < names; name++) {
    reader.space();
    reader.astring();
  }
  return { mailbox, ...readOptions(reader) };
}

function readerOf({ texts, literals }: Frame, argumentsAt: number): Reader {
  return new Reader({ texts, literals: literals.map(withSunkName) }, argumentsAt);
}

/** Reads what stands between two messages. */
export function readAppendOptions(text: string): AppendOptions {
  return readOptions(new Reader({ texts: [text], literals: [] }));
}

function readOptions(reader: Reader): AppendOptions {
  reader.space();
  let flags: Flags = { system: 0, keywords: [] };
  if (reader.peek() === "(") {
    flags = readFlagList(reader);
    reader.space();
  }
  let internalDateMs: number | undefined;
  if (reader.peek() === '"') {
    const text = reader.string();
    internalDateMs = parseDateTime(text)?.epochMs;
    if (internalDateMs === undefined) throw new Bad(`Invalid date-time "${text}"`);
    reader.space();
  }
  if (!reader.isAtEnd) throw new Bad("Expected a message literal");
  return { flags, internalDateMs };
}

function withSunkName(literal: Frame["literals"][number]): Frame["literals"][number] {
  return literal.bytes === undefined && typeof literal.sunk === "string"
    ? { ...literal, bytes: fromLatin1(literal.sunk) }
    : literal;
}

/** Collects a mailbox name that comes as a literal; its value becomes `sunk`. */
export function nameSink() {
  let name = "";
  return {
    write(bytes: Uint8Array): undefined {
      name += latin1(bytes);
    },
    end: () => name,
    abort() {},
  };
}
