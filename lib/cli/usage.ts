// The usage text: one page, without colours, 80 columns where words allow.

import type { AnyProgram, OperandDefinition, OptionDefinition } from "./program.ts";

export function usageText(program: AnyProgram, calledAs: string): string {
  const sections = [
    `Usage: ${synopsis(program, calledAs)}`,
    `${program.summary}.`,
    table(
      "Commands",
      Object.entries(program.commands ?? {}).map(([name, command]) => [name, command.summary]),
    ),
    table(
      "Operands",
      program.operands.map((operand) => [operand.name, operand.doc]),
    ),
    table(
      "Options",
      shownOptions(program).map(([name, definition]) => [optionLabel(name, definition), optionDoc(definition)]),
    ),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

export function synopsis(program: AnyProgram, calledAs: string): string {
  const words = [calledAs];
  if (shownOptions(program).length > 0) words.push("[options]");
  if (program.commands) words.push("command …");
  return [...words, ...program.operands.map(operandLabel)].join(" ");
}

/** Options in the order of definition, without those that have no effect. */
export function shownOptions(program: AnyProgram): [string, OptionDefinition][] {
  return Object.entries(program.options).filter(([, definition]) => !definition.ignored);
}

function optionLabel(name: string, { short, value }: OptionDefinition): string {
  const letter = short === undefined ? "    " : `-${short}, `;
  return `${letter}--${name}${value === undefined ? "" : ` <${value}>`}`;
}

export function optionDoc({ doc, choices, repeat }: OptionDefinition): string {
  return [doc, choices && `One of ${choices.join(", ")}.`, repeat && "Can be repeated."].filter(Boolean).join(" ");
}

export function operandLabel({ name, optional, repeat }: OperandDefinition): string {
  const label = repeat ? `${name}…` : name;
  return optional ? `[${label}]` : label;
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return "";
  const width = Math.min(28, Math.max(...rows.map(([label]) => label.length)));
  return [`${title}:`, ...rows.map(([label, doc]) => tableRow(label, doc, width))].join("\n");
}

function tableRow(label: string, doc: string, width: number): string {
  const indent = " ".repeat(width + 4);
  const lines = wrap(doc, Math.max(30, 80 - indent.length));
  const head = label.length > width ? [`  ${label}`, ...lines.map((line) => indent + line)] : undefined;
  return (head ?? [`  ${label.padEnd(width)}  ${lines[0] ?? ""}`, ...lines.slice(1).map((line) => indent + line)]).join(
    "\n",
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
