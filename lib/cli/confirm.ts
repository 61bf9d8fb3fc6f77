// Plan → confirm → do: what a program is about to change is shown, and done after a yes. Without a terminal nobody can
// say yes: then --yes must have been given.

import { readSync } from "node:fs";
import { isatty } from "node:tty";
import { UsageError } from "./exit-code.ts";
import { writeWords } from "./output.ts";
import type { OptionDefinitions } from "./program.ts";

/** For programs that change something: spread into their options. */
export const changeOptions = {
  "dry-run": { short: "n", doc: "Show what would be done and change nothing." },
  yes: { short: "y", doc: "Do not ask." },
} as const satisfies OptionDefinitions;

/** Where the answer comes from; tests bring their own. */
export interface Asker {
  readonly isTerminal: boolean;
  /** Shows the question and gives the line typed, undefined at the end of input. */
  ask(question: string): string | undefined;
}

export const terminalAsker: Asker = {
  isTerminal: isatty(0),
  ask(question) {
    writeWords(question);
    return readLine();
  },
};

/** True when the plan is to be carried out. Only "y" and "yes" are; throws UsageError where nobody can be asked. */
export function confirm(question: string, options: { readonly yes: boolean }, asker: Asker = terminalAsker): boolean {
  if (options.yes) return true;
  if (!asker.isTerminal) throw new UsageError("Nobody can be asked: standard input is no terminal (use --yes)");
  return /^y(es)?$/i.test(asker.ask(`${question} [y/N] `)?.trim() ?? "");
}

function readLine(): string | undefined {
  const bytes = Buffer.alloc(1);
  let line = "";
  while (readSync(0, bytes, 0, 1, null) === 1) {
    if (bytes[0] === 0x0a) return line;
    line += bytes.toString("latin1");
  }
  return line === "" ? undefined : line;
}
