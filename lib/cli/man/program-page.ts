// The man page of a program, from its definition. What the definition cannot say, its DESCRIPTION, is the leading comment
// of its file in bin/, or the definition's own description for commands that only iatlas has.

import type { AnyProgram, OptionDefinition, Program } from "../program.ts";
import { operandLabel, optionDoc, shownOptions } from "../usage.ts";
import { bold, escaped, italic, item, line, page, paragraph, section, subsection } from "./roff.ts";

export interface ProgramPage {
  /** With its subcommands loaded. */
  readonly program: DocumentedProgram;
  /** "iatlas-config" for the command of iatlas. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** Names of pages, such as "imapd.conf(5)". */
  readonly seeAlso: readonly string[];
}

export interface DocumentedProgram {
  readonly program: AnyProgram;
  readonly commands: readonly DocumentedProgram[];
}

const exitStatus =
  "0 when all went well, otherwise a number of sysexits.h: 64 for a wrong command line, 65 for wrong input, 66 for a missing file, " +
  "69 for a refusal, 70 for a defect of the program, 75 for a failure that may be gone at the next try, 77 for a missing permission, " +
  "78 for a wrong configuration.";

export function programPage({
  program: { program, commands },
  name,
  description,
  version,
  seeAlso,
}: ProgramPage): string {
  const calledAs = name.replace("-", " ");
  const isTree = commands.some(({ program: command }) => command.name in (program.commands ?? {}));
  return page(name, 8, version, [
    section("NAME", line(`${escaped(name)} \\- ${escaped(lowerFirst(program.summary))}`)),
    section(
      "SYNOPSIS",
      isTree
        ? commands.map((each) => synopsis(`${calledAs} ${each.program.name}`, each.program)).join("")
        : synopsis(calledAs, program),
    ),
    section("DESCRIPTION", ...description.split("\n\n").map(paragraph)),
    section("COMMANDS", isTree ? commands.map(commandSection).join("") : commandList(program.commands)),
    section("OPERANDS", ...program.operands.map((operand) => item(italic(operand.name), operand.doc))),
    section("OPTIONS", ...shownOptions(program).map(([option, definition]) => optionItem(option, definition))),
    section("EXIT STATUS", paragraph(exitStatus)),
    section("SEE ALSO", line(seeAlso.map(reference).join(",\n"))),
  ]);
}

function synopsis(calledAs: string, program: AnyProgram): string {
  const words = [bold(calledAs)];
  if (shownOptions(program).length > 0) words.push(`[${italic("options")}]`);
  if (program.commands) words.push(`${italic("command")} ...`);
  return `.PP\n${[...words, ...program.operands.map((operand) => italic(operandLabel(operand)))].join(" ")}\n`;
}

function commandList(commands: Program["commands"]): string {
  return Object.entries(commands ?? {})
    .map(([name, { summary }]) => item(bold(name), `${summary}.`))
    .join("");
}

/** A subcommand has no page of its own: its options are told where it is. */
function commandSection({ program }: DocumentedProgram): string {
  return subsection(
    program.name,
    ...`${program.summary}. ${program.description ?? ""}`.trim().split("\n\n").map(paragraph),
    ...program.operands.map((operand) => item(italic(operand.name), operand.doc)),
    ...shownOptions(program)
      .filter(([name]) => name !== "help" && name !== "version")
      .map(([name, definition]) => optionItem(name, definition)),
  );
}

function optionItem(name: string, definition: OptionDefinition): string {
  const { short, value } = definition;
  const shown = value === undefined ? "" : ` ${italic(value)}`;
  const letter = short === undefined ? "" : `${bold(`-${short}`)}${shown}, `;
  return item(`${letter}${bold(`--${name}`)}${shown}`, optionDoc(definition));
}

/** "imapd.conf(5)" with the name in bold. */
function reference(text: string): string {
  return text.replace(/^(.*)(\(\d\))$/, (_, name: string, number: string) => `${bold(name)}${number}`);
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}
