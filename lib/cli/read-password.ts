// A new password: typed twice at a terminal that does not show it, or the one line of standard input.

import { readFileSync, readSync } from "node:fs";
import { isatty, ReadStream } from "node:tty";
import { Bad } from "../base/fault.ts";
import { UsageError } from "./exit-code.ts";
import { writeWords } from "./output.ts";

/** Throws Bad when two different ones are typed, UsageError when there is no terminal. */
export function readPassword(user: string, from: "terminal" | "input"): string {
  if (from === "input") return onlyLine(readFileSync(0, "utf8"));
  if (!isatty(0)) throw new UsageError("Nobody can be asked: standard input is no terminal (use -p)");
  const first = askHidden(`New password for ${user}: `);
  if (askHidden("Again: ") !== first) throw new Bad("The two passwords differ");
  return first;
}

function onlyLine(text: string): string {
  const line = text.replace(/\r?\n$/, "");
  if (/[\r\n]/.test(line)) throw new Bad("Standard input must be one line, the password");
  return line;
}

const keys = { interrupt: 0x03, endOfInput: 0x04, backspace: 0x08, killLine: 0x15, delete: 0x7f } as const;

/** In raw mode the terminal shows nothing, and Ctrl-C is a byte like others: the mode is always put back. */
function askHidden(question: string): string {
  const terminal = new ReadStream(0);
  terminal.setRawMode(true); // before the question: who answers at once must not be shown either
  try {
    writeWords(question);
    return readHiddenLine();
  } finally {
    terminal.setRawMode(false);
    terminal.destroy();
    writeWords("\n");
  }
}

function readHiddenLine(): string {
  const byte = Buffer.alloc(1);
  let typed = Buffer.alloc(0);
  for (;;) {
    if (readSync(0, byte, 0, 1, null) === 0) throw new Bad("No password was typed");
    const key = byte[0]!;
    if (key === 0x0d || key === 0x0a) return typed.toString("utf8");
    if (key === keys.interrupt || (key === keys.endOfInput && typed.length === 0)) {
      throw new Bad("No password was typed");
    }
    if (key === keys.killLine) typed = Buffer.alloc(0);
    else if (key === keys.backspace || key === keys.delete) typed = withoutLastCharacter(typed);
    else typed = Buffer.concat([typed, byte]);
  }
}

/** A character is up to four bytes of UTF-8; all but the first begin with the bits 10. */
function withoutLastCharacter(typed: Buffer): Buffer<ArrayBuffer> {
  let end = Math.max(0, typed.length - 1);
  while (end > 0 && (typed[end]! & 0xc0) === 0x80) end--;
  return Buffer.from(typed.subarray(0, end));
}
