// Reads a command line strictly: unknown options, missing values, options given twice and operands that are too many or
// too few are refused. Node's parser cuts the words (clusters, -Cfile, --name=value, --); the judgement is here.

import { parseArgs } from "node:util";
import { didYouMean } from "../config/nearest.ts";
import { UsageError } from "./exit-code.ts";
import type { OperandDefinition, OptionDefinition, OptionDefinitions } from "./program.ts";

export interface ReadArguments {
  readonly options: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
  /** The command line written out so that it can be read in one way only: --name=value, operands behind `--`. */
  readonly words: readonly string[];
}

/** `stopAtOperand` leaves everything from the first operand on unread: the subcommand's own command line. */
export function readArguments(
  argv: readonly string[],
  options: OptionDefinitions,
  operands: readonly OperandDefinition[] | "subcommand",
): ReadArguments {
  const given = new Map<string, string[]>();
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(options).map(([name, definition]) => [name, nodeOption(definition)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const found: string[] = [];
  for (const token of tokens) {
    if (token.kind === "option") addOption(given, options, token.name, token.rawName, token.value);
    else if (token.kind === "positional") {
      if (operands === "subcommand") {
        const rest = argv.slice(token.index);
        return { options: valuesOf(options, given), operands: rest, words: [...optionWords(options, given), ...rest] };
      }
      found.push(token.value);
    }
  }
  if (operands !== "subcommand") checkOperands(found, operands);
  const words = [...optionWords(options, given), "--", ...found];
  return { options: valuesOf(options, given), operands: found, words };
}

function optionWords(options: OptionDefinitions, given: ReadonlyMap<string, readonly string[]>): string[] {
  return [...given].flatMap(([name, texts]) =>
    texts.map((text) => (options[name]!.value === undefined ? `--${name}` : `--${name}=${text}`)),
  );
}

function nodeOption(definition: OptionDefinition): { type: "string" | "boolean"; short?: string } {
  const type = definition.value === undefined ? "boolean" : "string";
  return definition.short === undefined ? { type } : { type, short: definition.short };
}

function addOption(
  given: Map<string, string[]>,
  options: OptionDefinitions,
  name: string,
  rawName: string,
  value: string | undefined,
): void {
  const definition = Object.hasOwn(options, name) ? options[name]! : undefined;
  // "-name" is a cluster of letters to us and must not be taken for "--name"; "-config" is "-c -o …".
  if (!definition) throw new UsageError(`Unknown option ${rawName}${didYouMean(rawName, longNames(options))}`);
  if (definition.value === undefined && value !== undefined) throw new UsageError(`${rawName} takes no value`);
  if (definition.value !== undefined && value === undefined) {
    throw new UsageError(`${rawName} needs a value (${definition.value})`);
  }
  const before = given.get(name);
  if (before && !definition.repeat) throw new UsageError(`${rawName} is given twice`);
  given.set(name, [...(before ?? []), value ?? ""]);
}

function longNames(options: OptionDefinitions): string[] {
  return Object.keys(options).map((name) => `--${name}`);
}

function valuesOf(options: OptionDefinitions, given: ReadonlyMap<string, readonly string[]>): Record<string, unknown> {
  const entries = Object.entries(options).map(([name, definition]) => {
    const texts = given.get(name) ?? [];
    if (definition.value === undefined) return [name, definition.repeat ? texts.length : texts.length > 0];
    const values = texts.map((text) => readValue(name, definition, text));
    return [name, definition.repeat ? values : values[0]];
  });
  return Object.fromEntries(entries);
}

function readValue(name: string, definition: OptionDefinition, text: string): string | number {
  if (definition.choices && !definition.choices.includes(text)) {
    throw new UsageError(`--${name}: "${text}" is not one of ${definition.choices.join(", ")}`);
  }
  if (definition.type !== "integer") return text;
  if (!/^-?\d+$/.test(text)) throw new UsageError(`--${name}: "${text}" is not a whole number`);
  return Number(text);
}

function checkOperands(words: readonly string[], operands: readonly OperandDefinition[]): void {
  const missing = operands.find((operand, index) => !operand.optional && index >= words.length);
  if (missing) throw new UsageError(`Operand ${missing.name} is missing`);
  const takesAll = operands.at(-1)?.repeat;
  if (words.length > operands.length && !takesAll)
    throw new UsageError(`Unexpected operand "${words[operands.length]}"`);
}
