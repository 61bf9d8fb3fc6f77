// APPEND (RFC 9051 §6.3.12), MULTIAPPEND (RFC 3502), CATENATE (RFC 4469) and REPLACE (RFC 8508), read piece by piece while
// the literals come in: each piece of text stands before a literal, the last one before the end of the command.

import { fromLatin1, latin1 } from "../../base/bytes.ts";
import { Bad } from "../../base/fault.ts";
import type { Flags, MessageSource } from "../../mailbox/store.ts";
import { parseDateTime } from "../../wire/date.ts";
import type { Frame } from "../../wire/frame.ts";
import { Reader } from "../../wire/reader.ts";
import { formatQuoted } from "../../wire/writer.ts";
import { readFlagList } from "./flags.ts";

/** What stands before a message. */
export interface AppendOptions {
  readonly flags: Flags;
  /** Milliseconds since 1970; undefined: now. */
  readonly internalDateMs: number | undefined;
  /** X-IATLAS-FROM, said between servers of a murder: the message that will be removed when this one is safe. */
  readonly from?: MessageSource | undefined;
}

/** What a command has before its messages. */
export interface AppendShape {
  /** REPLACE: which message goes. */
  readonly hasMessageNumber: boolean;
  /** Mailbox names; Cyrus' LOCALAPPEND has a second: what is selected on the frontend. */
  readonly names: number;
}

/** Longer literals cannot be a mailbox name. */
export const maxNameLiteral = 1024;

/** Whether the literal that comes next is a mailbox name and not a message. */
export function isNameLiteral(head: Frame, argumentsAt: number, shape: AppendShape): boolean {
  const reader = readerOf(head, argumentsAt);
  if (shape.hasMessageNumber) {
    reader.space();
    reader.token(messageNumber);
  }
  for (let name = 0; name < shape.names; name++) {
    reader.space();
    if (reader.isAtEnd) return true;
    reader.astring();
  }
  return false;
}

export interface AppendHead {
  readonly mailbox: string;
  /** As REPLACE has it: a number or "*". */
  readonly number: string;
  /** The text behind the names: for AppendGrammar. */
  readonly rest: string;
}

const messageNumber = /(?:[1-9]\d{0,9}|\*)/y;

/** Reads everything up to the first message. A mailbox name that was a literal is in `sunk`. */
export function readAppendHead(head: Frame, argumentsAt: number, shape: AppendShape): AppendHead {
  const reader = readerOf(head, argumentsAt);
  reader.space();
  let number = "";
  if (shape.hasMessageNumber) {
    number = reader.token(messageNumber) ?? "";
    if (number === "") throw new Bad("Invalid message number");
    reader.space();
  }
  const mailbox = reader.astring();
  for (let name = 1; name < shape.names; name++) {
    reader.space();
    reader.astring();
  }
  return { mailbox, number, rest: reader.rest() };
}

function readerOf({ texts, literals }: Frame, argumentsAt: number): Reader {
  return new Reader({ texts, literals: literals.map(withSunkName) }, argumentsAt);
}

function withSunkName(literal: Frame["literals"][number]): Frame["literals"][number] {
  return literal.bytes === undefined && typeof literal.sunk === "string"
    ? { ...literal, bytes: fromLatin1(literal.sunk) }
    : literal;
}

export type AppendStep =
  /** A message begins; `text` is what the client wrote of flags and date, to be sent on. */
  | {
      readonly kind: "message";
      readonly options: AppendOptions;
      readonly text: string;
      readonly isCatenated: boolean;
    }
  | { readonly kind: "url"; readonly url: string }
  /** The parts of a CATENATE are complete. */
  | { readonly kind: "end" };

/** Keeps its place in the grammar from piece to piece. */
export class AppendGrammar {
  /** What the literal behind the last piece is; undefined when none belongs there: the command may end. */
  literal: "message" | "text" | "url" | undefined;
  /** Among the parts of a CATENATE. */
  #isInside = false;

  /** `trusted`: another server of the murder speaks, and may say where a message comes from. */
  constructor(private readonly trusted: boolean) {}

  get isComplete(): boolean {
    return this.literal === undefined && !this.#isInside;
  }

  read(text: string): readonly AppendStep[] {
    const reader = new Reader({ texts: [text], literals: [] });
    const steps: AppendStep[] = [];
    this.literal = undefined;
    while (this.literal === undefined && (this.#isInside || !reader.isAtEnd)) {
      if (!this.#isInside) this.#message(reader, text, steps);
      else if (reader.skip(")")) {
        this.#isInside = false;
        steps.push({ kind: "end" });
      } else {
        reader.space();
        this.#part(reader, steps);
      }
    }
    return steps;
  }

  #message(reader: Reader, text: string, steps: AppendStep[]): void {
    reader.space();
    const start = reader.offset;
    const plain = readOptions(reader);
    const raw = text.slice(start, reader.offset);
    const isSourceNamed = this.trusted && reader.peekKeyword() === sourceExtension;
    const options = isSourceNamed ? { ...plain, from: readSource(reader) } : plain;
    if (reader.isAtEnd) {
      steps.push({ kind: "message", options, text: raw, isCatenated: false });
      this.literal = "message";
      return;
    }
    if (reader.peekKeyword() !== "CATENATE") throw new Bad("Expected a message literal");
    reader.atom();
    reader.space();
    reader.expect("(");
    steps.push({ kind: "message", options, text: raw, isCatenated: true });
    this.#isInside = true;
    this.#part(reader, steps);
  }

  #part(reader: Reader, steps: AppendStep[]): void {
    const kind = reader.keyword();
    reader.space();
    if (kind === "TEXT") {
      if (!reader.isAtEnd) throw new Bad("Expected a literal");
      this.literal = "text";
    } else if (kind !== "URL") throw new Bad(`Unknown part "${kind}" of a message`);
    else if (reader.isAtEnd) this.literal = "url";
    else steps.push({ kind: "url", url: reader.astring() });
  }
}

function readOptions(reader: Reader): AppendOptions {
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
  return { flags, internalDateMs };
}

/** Capability and name of what our servers say to each other of a message that is moved (RFC 4466 §2.3, append-ext). */
export const sourceExtension = "X-IATLAS-FROM";

/** `X-IATLAS-FROM ("user.ann" 1700000000 42) `: internal name, UIDVALIDITY and UID of the message that will be removed. */
export function formatSource({ mailbox, uidValidity, uid }: MessageSource): string {
  return `${sourceExtension} (${formatQuoted(mailbox)} ${uidValidity} ${uid}) `;
}

function readSource(reader: Reader): MessageSource {
  reader.atom();
  reader.space();
  reader.expect("(");
  const mailbox = reader.string();
  reader.space();
  const uidValidity = reader.nzNumber();
  reader.space();
  const uid = reader.nzNumber();
  reader.expect(")");
  reader.space();
  return { mailbox, uidValidity, uid };
}

/** Collects a mailbox name or URL that comes as a literal; its value becomes `sunk`. */
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
