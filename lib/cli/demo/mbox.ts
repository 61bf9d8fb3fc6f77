// Reads mbox files (RFC 4155, appendix A). A message begins with a line "From sender date" at the start of the file or
// after an empty line; in bodies such lines stand behind ">", of which one is taken away (the variant known as mboxrd).

import { open } from "node:fs/promises";
import { toCrlf } from "./line-ends.ts";

const defaultChunk = 4 * 1024 * 1024;
const lineFeed = 0x0a;
const fromAtLineStart = Buffer.from("\nFrom ");
/** A separator has a time of day and a year; a sentence that begins with "From" has not. */
const separator = /^From .*\d{1,2}:\d\d.*\d{4}/;
/** How much of a line is looked at. */
const longestSeparator = 512;

/** The messages with CRLF line ends, unquoted. */
export async function* readMbox(path: string): AsyncGenerator<Buffer> {
  for await (const part of splitMbox(path)) yield toCrlf(unquote(withoutSeparator(part)));
}

/** The messages as they are in the file, each with its separator. Memory: one message and one chunk. */
export async function* splitMbox(path: string, chunkSize = defaultChunk): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const chunk = Buffer.alloc(chunkSize);
    let rest: Buffer = Buffer.alloc(0);
    /** Up to here no separator begins in `rest`. */
    let scanned = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      const isEnd = bytesRead === 0;
      for (;;) {
        const next = findSeparator(rest, scanned, isEnd);
        scanned = next.scanned;
        if (next.at === undefined) break;
        yield rest.subarray(0, next.at);
        rest = rest.subarray(next.at);
        scanned = 0;
      }
      if (isEnd) break;
    }
    if (rest.length > 0) yield rest;
  } finally {
    await file.close();
  }
}

/** Where the next message begins behind the start; a line that may still grow is left for the next time. */
function findSeparator(bytes: Buffer, from: number, isEnd: boolean): { at?: number; scanned: number } {
  for (let at = bytes.indexOf(fromAtLineStart, from); at >= 0; at = bytes.indexOf(fromAtLineStart, at + 1)) {
    if (!isEnd && bytes.indexOf(lineFeed, at + 1) < 0 && bytes.length - at < longestSeparator) return { scanned: at };
    if (isAfterEmptyLine(bytes, at) && separator.test(lineAt(bytes, at + 1))) return { at: at + 1, scanned: at };
  }
  return { scanned: Math.max(0, bytes.length - fromAtLineStart.length) };
}

/** Whether the line that the LF at `at` ends is empty. */
function isAfterEmptyLine(bytes: Buffer, at: number): boolean {
  return bytes[at - 1] === lineFeed || (bytes[at - 1] === 0x0d && bytes[at - 2] === lineFeed);
}

function lineAt(bytes: Buffer, from: number): string {
  const end = bytes.indexOf(lineFeed, from);
  return bytes.toString("latin1", from, Math.min(end < 0 ? bytes.length : end, from + longestSeparator));
}

/** Without its first line and without the empty line before the next separator. */
function withoutSeparator(part: Buffer): Buffer {
  const start = part.indexOf(lineFeed) + 1;
  if (start === 0) return Buffer.alloc(0);
  const tail = part.toString("latin1", Math.max(start, part.length - 4));
  const extra = tail.endsWith("\r\n\r\n") ? 2 : tail.endsWith("\n\n") ? 1 : 0;
  return part.subarray(start, part.length - extra);
}

const quotedFrom = /^>+From /;

function unquote(message: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = message.indexOf("\n>"); at >= 0; at = message.indexOf("\n>", at + 1)) {
    if (!quotedFrom.test(lineAt(message, at + 1))) continue;
    pieces.push(message.subarray(from, at + 1));
    from = at + 2;
  }
  return from === 0 ? message : Buffer.concat([...pieces, message.subarray(from)]);
}
