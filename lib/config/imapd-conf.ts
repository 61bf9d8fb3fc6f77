// Reads the grammar of imapd.conf: `key: value` lines, comments, continuation lines, @include. It knows no options.

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describeRefusal } from "../base/fault.ts";
import { describeProblem, type Place } from "./config-error.ts";

export interface Setting extends Place {
  /** Lower case. */
  readonly key: string;
  readonly value: string;
}

export interface ImapdConf {
  readonly settings: readonly Setting[];
  readonly problems: readonly string[];
}

export function readImapdConf(path: string): ImapdConf {
  const reading: Reading = { settings: new Map(), problems: [], files: new Set() };
  readInto(reading, path, { file: path, line: 0 });
  return { settings: [...reading.settings.values()], problems: reading.problems };
}

interface Reading {
  readonly settings: Map<string, Setting>;
  readonly problems: string[];
  readonly files: Set<string>;
}

function readInto(reading: Reading, path: string, from: Place): void {
  const complain = (place: Place, problem: string) => reading.problems.push(describeProblem(place, problem));
  const text = readText(path);
  if (text instanceof Error) {
    const problem = `Cannot read ${path}: ${describeRefusal(text)}`;
    return void reading.problems.push(from.line === 0 ? problem : describeProblem(from, problem));
  }
  reading.files.add(resolve(path));
  for (const { line, text: content } of logicalLines(text)) {
    const place = { file: path, line };
    if (content === "" || content.startsWith("#")) continue;
    const match = /^(@?[A-Za-z0-9_-]+)\s*:\s*(.*)$/s.exec(content);
    if (!match) {
      complain(place, `not an option (expected "name: value")`);
      continue;
    }
    const key = match[1]!.toLowerCase();
    const value = match[2]!;
    if (value === "") complain(place, `${key}: empty option value`);
    else if (key === "@include") include(reading, resolve(dirname(path), value), place, complain);
    else if (key.startsWith("@")) complain(place, `${key}: unknown directive (only @include is one)`);
    else addSetting(reading, { key, value, ...place }, complain);
  }
}

type Complain = (place: Place, problem: string) => void;

function include(reading: Reading, path: string, place: Place, complain: Complain): void {
  if (reading.files.has(path)) complain(place, `@include: ${path} is included twice`);
  else readInto(reading, path, place);
}

function addSetting(reading: Reading, setting: Setting, complain: Complain): void {
  const first = reading.settings.get(setting.key);
  if (first) complain(setting, `${setting.key}: set twice (first at ${first.file}:${first.line})`);
  else reading.settings.set(setting.key, setting);
}

/** Lines after joining those that end in a backslash, trimmed; `line` is where each starts. */
function* logicalLines(text: string): Generator<{ line: number; text: string }> {
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let joined = lines[index]!.trimEnd();
    while (joined.endsWith("\\") && index + 1 < lines.length) {
      joined = joined.slice(0, -1) + lines[++index]!.trimEnd();
    }
    yield { line, text: joined.trim() };
  }
}

function readText(path: string): string | Error {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
