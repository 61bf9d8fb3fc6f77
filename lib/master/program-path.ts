// From a command in cyrus.conf to the words that start it: `imapd -U 30` finds our own imapd wherever we were installed.

import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";

/** Where our programs are. */
export interface ProgramFolder {
  /** dist/bin with executables, or bin with sources. */
  readonly folder: string;
  /** Bun, when our programs are sources. */
  readonly runtime: string | undefined;
  /** Given to our programs with -C, where the command has none of its own. */
  readonly configPath: string | undefined;
}

/** Throws Error when there is no such program. */
export function commandLine(command: string, programs: ProgramFolder): string[] {
  const [word = "", ...rest] = command.trim().split(/\s+/);
  if (word.includes("/")) {
    if (!isExecutable(word)) throw new Error(`Cannot run ${word}: no such program`);
    return [word, ...rest];
  }
  const own = ownProgram(word, programs);
  if (own) return [...own, ...configOption(rest, programs.configPath), ...rest];
  const elsewhere = Bun.which(word);
  if (!elsewhere) throw new Error(`Cannot run ${word}: no such program in ${programs.folder} and PATH`);
  return [elsewhere, ...rest];
}

function ownProgram(word: string, { folder, runtime }: ProgramFolder): string[] | undefined {
  if (runtime === undefined) {
    const path = join(folder, word);
    return isExecutable(path) ? [path] : undefined;
  }
  const source = join(folder, `${word}.ts`);
  return existsSync(source) ? [runtime, source] : undefined;
}

function configOption(words: readonly string[], configPath: string | undefined): string[] {
  const hasOwn = words.some((word) => word.startsWith("-C") || word.startsWith("--config"));
  return hasOwn || configPath === undefined ? [] : ["-C", configPath];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
