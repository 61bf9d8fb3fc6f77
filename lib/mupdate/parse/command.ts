// Reads one command: tag, name and string arguments (RFC 3656 §4, §2.2). Like Cyrus it takes quoted strings and literals
// as arguments, never atoms.

import { latin1 } from "../../base/bytes.ts";
import { Bad } from "../../base/fault.ts";
import { type Frame, splitWord } from "../../wire/frame.ts";
import { Reader } from "../../wire/reader.ts";
import { refusalTexts } from "../dialect.ts";
import { textFromWire } from "../record.ts";

/** The first two words of a line; `name` is in upper case. */
export interface CommandHead {
  readonly tag: string;
  readonly name: string;
  /** Where the arguments begin in the first text: at the blank before them. */
  readonly argumentsAt: number;
}

/** Undefined when there is no command on the line: then there is no tag to answer with either. */
export function parseHead(text: string): CommandHead | undefined {
  const { word: tag, next } = splitWord(text);
  if (tag === "" || next === tag.length) return undefined;
  const { word: name } = splitWord(text, next);
  return { tag, name: name.toUpperCase(), argumentsAt: next + name.length };
}

/** Reads `least` to `most` strings. `atomFault` is what an argument that is no string is answered with. */
export function parseStrings(
  frame: Frame,
  from: number,
  [least, most]: readonly [number, number],
  atomFault: string = refusalTexts.extra,
): string[] {
  const reader = new Reader(frame, from);
  const strings: string[] = [];
  while (reader.skip(" ")) {
    if (reader.peek() !== '"' && !reader.isAtLiteral) throw new Bad(atomFault);
    strings.push(readString(reader));
  }
  if (!reader.isAtEnd) throw new Bad(atomFault);
  if (strings.length < least) throw new Bad(refusalTexts.missing);
  if (strings.length > most) throw new Bad(refusalTexts.extra);
  return strings;
}

function readString(reader: Reader): string {
  if (reader.isAtLiteral) return checkOctets(latin1(reader.literalBytes()));
  try {
    return checkOctets(reader.string());
  } catch {
    throw new Bad(refusalTexts.malformed);
  }
}

function checkOctets(text: string): string {
  if (text.includes("\u0000")) throw new Bad(refusalTexts.malformed);
  return textFromWire(text);
}
