// A program as a citty command: citty runs it and finds its subcommands. It gets the words that readArguments() has judged
// and written out in full, because citty by itself passes over unknown options and takes the last of repeated ones. Loaded
// when a program starts, not when it is defined: usage, man pages and completions do without.

import { type ArgDef, type ArgsDef, defineCommand, runCommand, type SubCommandsDef } from "citty";
import { exitCodes } from "./exit-code.ts";
import type { AnyProgram, OperandDefinition, OptionDefinition } from "./program.ts";

export interface CommandSteps {
  /** The program itself; not called when a subcommand is. */
  readonly run: () => Promise<number>;
  readonly runSubcommand: (name: string, argv: readonly string[]) => Promise<number>;
}

/** Runs a program, or the subcommand its words name, and gives the exit code. */
export async function runAsCommand(
  program: AnyProgram,
  words: readonly string[],
  steps: CommandSteps,
): Promise<number> {
  let exitCode: number | undefined;
  const subCommands = subcommandsOf(program, async (name, argv) => {
    exitCode = await steps.runSubcommand(name, argv);
  });
  const command = defineCommand({
    meta: { name: program.name, description: program.summary },
    args: argsOf(program),
    ...(subCommands && { subCommands }),
    // citty runs a command after its subcommand as well.
    run: async () => {
      exitCode ??= await steps.run();
    },
  });
  await runCommand(command, { rawArgs: [...words] });
  return exitCode ?? exitCodes.ok;
}

/** Options and operands as citty defines them. */
export function argsOf(program: AnyProgram): ArgsDef {
  const options = Object.entries(program.options).map(([name, definition]) => [name, optionArg(definition)]);
  const operands = program.operands.map((operand) => [operand.name, operandArg(operand)]);
  return Object.fromEntries([...options, ...operands]);
}

function optionArg({ short, value, choices, doc }: OptionDefinition): ArgDef {
  const shared = { description: doc, ...(short !== undefined && { alias: short }) };
  if (value === undefined) return { ...shared, type: "boolean" };
  if (choices) return { ...shared, type: "enum", valueHint: value, options: [...choices] };
  return { ...shared, type: "string", valueHint: value };
}

function operandArg({ doc, optional }: OperandDefinition): ArgDef {
  return { type: "positional", description: doc, required: !optional };
}

/** The subcommands' own arguments are unread here: each is a program that judges its command line itself. */
function subcommandsOf(
  { commands }: AnyProgram,
  run: (name: string, argv: readonly string[]) => Promise<void>,
): SubCommandsDef | undefined {
  if (!commands) return undefined;
  const entries = Object.entries(commands).map(([name, { summary }]) => [
    name,
    defineCommand({ meta: { name, description: summary }, run: ({ rawArgs }) => run(name, rawArgs) }),
  ]);
  return Object.fromEntries(entries);
}
