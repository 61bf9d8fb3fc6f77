// Untagged responses of another server that we asked for ourselves: what a FETCH gave, and how to pass the others on.

import { concatBytes, fromLatin1 } from "../../base/bytes.ts";
import type { Frame } from "../../wire/frame.ts";
import { Reader } from "../../wire/reader.ts";
import { formatLiteralMarker } from "../../wire/writer.ts";

/** What one FETCH response told; undefined is what it did not. */
export interface FetchedMessage {
  uid?: number;
  flags?: readonly string[];
  internalDate?: string;
  /** BODY[] */
  body?: Uint8Array;
}

/** Reads "12 FETCH (…)"; undefined for every other response, and for one that we cannot read. */
export function readFetched(frame: Frame): FetchedMessage | undefined {
  if (!/^\d+ FETCH \(/i.test(frame.texts[0] ?? "")) return undefined;
  const reader = new Reader(frame);
  const message: FetchedMessage = {};
  try {
    reader.number();
    reader.space();
    reader.atom();
    reader.space();
    reader.list(() => readItem(reader, message));
  } catch {
    return undefined;
  }
  return message;
}

const itemName = /[A-Za-z0-9.]+(?:\[[^\]]*\](?:<\d+>)?)?/y;
const bareValue = /[^() "]+/y;

function readItem(reader: Reader, message: FetchedMessage): void {
  const name = reader.token(itemName)?.toUpperCase();
  reader.space();
  if (name === "UID") message.uid = reader.number();
  else if (name === "INTERNALDATE") message.internalDate = reader.string();
  else if (name === "FLAGS") message.flags = reader.list(() => reader.token(bareValue) ?? "");
  else if (name === "BODY[]") message.body = reader.isAtLiteral ? reader.literalBytes() : fromLatin1(reader.string());
  else skipValue(reader);
}

function skipValue(reader: Reader): void {
  if (reader.peek() === "(") reader.list(() => skipValue(reader));
  else if (reader.peek() === '"' || reader.isAtLiteral) reader.string();
  else reader.token(bareValue);
}

/** The response as it was on the wire. */
export function formatUntagged({ texts, literals }: Frame): Uint8Array {
  const chunks: Uint8Array[] = [fromLatin1("* ")];
  for (const [at, text] of texts.entries()) {
    const literal = literals[at];
    if (!literal?.bytes) chunks.push(fromLatin1(`${text}\r\n`));
    else chunks.push(fromLatin1(text + formatLiteralMarker(literal.size, literal.isBinary, false)), literal.bytes);
  }
  return concatBytes(chunks);
}
