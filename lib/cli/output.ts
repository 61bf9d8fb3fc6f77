// Data on stdout, words on stderr. A program names its fields once; they become an aligned table, JSON lines or TSV.
// Writes are synchronous: touching process.stdout costs 7 ms at start.

import { writeSync } from "node:fs";
import type { OptionDefinitions } from "./program.ts";

export type FieldValue = string | number | boolean | null | undefined | readonly string[];

/** One column. `name` is the key in JSON and, in capitals, the head of the column. */
export interface Field<Row> {
  readonly name: string;
  readonly value: (row: Row) => FieldValue;
  /** How the value looks in a table, where that differs. */
  readonly text?: (row: Row) => string;
}

export type OutputFormat = "table" | "json" | "tsv";

/** For programs that print data: spread into their options. */
export const outputOptions = {
  json: { doc: "Print one JSON object a line." },
  tsv: { doc: "Print tab-separated values with a head line." },
} as const satisfies OptionDefinitions;

export function outputFormat(options: { readonly json: boolean; readonly tsv: boolean }): OutputFormat {
  return options.json ? "json" : options.tsv ? "tsv" : "table";
}

/** Prints rows as they come; only a table waits for all of them, to know its widths. */
export async function printRows<Row>(
  fields: readonly Field<Row>[],
  rows: Iterable<Row> | AsyncIterable<Row>,
  format: OutputFormat,
  write: (text: string) => void = writeOutput,
): Promise<void> {
  if (format === "table") return write(formatTable(fields, await collect(rows)));
  if (format === "tsv") write(`${fields.map((field) => field.name).join("\t")}\n`);
  for await (const row of rows) write(format === "json" ? formatJson(fields, row) : formatTsv(fields, row));
}

function formatJson<Row>(fields: readonly Field<Row>[], row: Row): string {
  return `${JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, field.value(row) ?? null])))}\n`;
}

function formatTsv<Row>(fields: readonly Field<Row>[], row: Row): string {
  return `${fields.map((field) => escapeControls(plainText(field.value(row)).replaceAll("\\", "\\\\"))).join("\t")}\n`;
}

function formatTable<Row>(fields: readonly Field<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    fields.map((field) => escapeControls(field.text?.(row) ?? plainText(field.value(row)))),
  );
  const isNumeric = fields.map((field) =>
    rows.every((row) => ["number", "undefined"].includes(typeof field.value(row))),
  );
  const lines = [fields.map((field) => field.name.toUpperCase()), ...cells];
  const widths = fields.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column]!))));
  return lines.map((line) => `${alignLine(line, widths, isNumeric)}\n`).join("");
}

function alignLine(line: readonly string[], widths: readonly number[], isNumeric: readonly boolean[]): string {
  const cells = line.map((cell, column) => {
    const padding = " ".repeat(widths[column]! - displayWidth(cell));
    return isNumeric[column] ? padding + cell : cell + padding;
  });
  return cells.join("  ").trimEnd();
}

function displayWidth(text: string): number {
  return Bun.stringWidth(text);
}

function plainText(value: FieldValue): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? value.join(" ") : String(value);
}

/** A mailbox name must not be able to move the cursor or add a column. */
export function escapeControls(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    const short = { "\t": "\\t", "\r": "\\r", "\n": "\\n" }[character];
    return short ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

async function collect<Row>(rows: Iterable<Row> | AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

export function writeOutput(text: string): void {
  writeAll(1, text);
}

/** Messages for people. Nobody reading stderr is no reason to fail. */
export function writeWords(text: string): void {
  try {
    writeAll(2, text);
  } catch (fault) {
    if (!isBrokenPipe(fault)) throw fault;
  }
}

export function isBrokenPipe(fault: unknown): boolean {
  return fault instanceof Error && "code" in fault && fault.code === "EPIPE";
}

function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text, "utf8");
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (fault) {
      // A pipe that somebody else made non-blocking is full: its reader is slow, so waiting is right.
      if (!(fault instanceof Error && "code" in fault && fault.code === "EAGAIN")) throw fault;
      Bun.sleepSync(2);
    }
  }
}
