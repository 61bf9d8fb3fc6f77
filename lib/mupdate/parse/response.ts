// Reads one response line of a server (RFC 3656 §3): completions, data lines, and BYE. Takes what Cyrus sends: texts
// without quotes, literals of both kinds.

import { latin1 } from "../../base/bytes.ts";
import { Bad } from "../../base/fault.ts";
import { emptyAcl } from "../../mailbox/acl.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import { type Frame, splitWord } from "../../wire/frame.ts";
import { Reader } from "../../wire/reader.ts";
import { parseSequence } from "../extension.ts";
import { type MailboxRecord, parseLocation, parseRecordAcl, parseRecordName, textFromWire } from "../record.ts";

export type Response =
  | { readonly kind: "completion"; readonly tag: string; readonly status: "OK" | "NO" | "BAD"; readonly text: string }
  | { readonly kind: "bye"; readonly text: string }
  | { readonly kind: "record"; readonly tag: string; readonly record: MailboxRecord }
  | { readonly kind: "deletion"; readonly tag: string; readonly name: MailboxName }
  /** Of our extension: all changes up to that number have been sent. */
  | { readonly kind: "mark"; readonly tag: string; readonly sequence: number }
  /** Of our extension: JSON. */
  | { readonly kind: "status"; readonly tag: string; readonly text: string }
  /** A data line whose values are impossible: one bad name must not cost the whole list. */
  | { readonly kind: "unusable"; readonly line: string }
  | { readonly kind: "continuation" };

export function parseResponse(frame: Frame): Response {
  const first = frame.texts[0] ?? "";
  if (first === "+" || first.startsWith("+ ")) return { kind: "continuation" };
  const { word: tag, next } = splitWord(first);
  const { word } = splitWord(first, next);
  const keyword = word.toUpperCase();
  const reader = new Reader(frame, next + word.length);
  switch (keyword) {
    case "OK":
    case "NO":
    case "BAD":
      return { kind: "completion", tag, status: keyword, text: readText(reader) };
    case "BYE":
      return { kind: "bye", text: readText(reader) };
    case "MAILBOX":
      return readRecord(tag, readString(reader), readString(reader), readString(reader));
    case "RESERVE":
      return readRecord(tag, readString(reader), readString(reader), undefined);
    case "DELETE":
      return readDeletion(tag, readString(reader));
    case "SEQUENCE":
      return { kind: "mark", tag, sequence: parseSequence(readString(reader)) };
    case "STATUS":
      return { kind: "status", tag, text: readString(reader) };
    default:
      throw new Bad(`Unknown response "${first.slice(0, 80)}"`);
  }
}

function readRecord(tag: string, name: string, location: string, acl: string | undefined): Response {
  try {
    const record: MailboxRecord = {
      name: parseRecordName(name),
      location: parseLocation(location),
      acl: acl === undefined ? emptyAcl : parseRecordAcl(acl),
      state: acl === undefined ? "reserved" : "active",
    };
    return { kind: "record", tag, record };
  } catch {
    return { kind: "unusable", line: `${name} ${location}` };
  }
}

function readDeletion(tag: string, name: string): Response {
  try {
    return { kind: "deletion", tag, name: parseRecordName(name) };
  } catch {
    return { kind: "unusable", line: name };
  }
}

function readString(reader: Reader): string {
  reader.space();
  return textFromWire(reader.isAtLiteral ? latin1(reader.literalBytes()) : reader.string());
}

/** A string, or the rest of the line where a server forgot the quotes. */
function readText(reader: Reader): string {
  if (!reader.skip(" ")) return "";
  if (reader.isAtLiteral || reader.peek() === '"') return reader.string();
  return reader.rest();
}
