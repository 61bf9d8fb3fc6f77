// From a program's definition to its exit code: reads the command line, answers --help and --version, runs, and turns
// whatever is thrown into one message on stderr and an exit code. bin/ calls main().

import packageJson from "../../package.json";
import { describeFault } from "../base/fault.ts";
import { readArguments } from "./arguments.ts";
import { exitCodeFor, exitCodes, isExpected, UsageError } from "./exit-code.ts";
import { isBrokenPipe, writeOutput, writeWords } from "./output.ts";
import type { AnyProgram, GivenOptions, OperandDefinition, OptionDefinitions, Program, Subcommand } from "./program.ts";
import { usageText } from "./usage.ts";

export const version = packageJson.version;

export interface ProgramDefinition<O extends OptionDefinitions> extends Omit<Program<O>, "operands" | "options"> {
  readonly options?: O;
  readonly operands?: readonly OperandDefinition[];
}

const ownOptions = {
  help: { doc: "Show this text and end." },
  version: { short: "V", doc: "Show the version and end." },
} as const satisfies OptionDefinitions;

export function defineProgram<const O extends OptionDefinitions>(definition: ProgramDefinition<O>): AnyProgram {
  const own = definition.options ?? {};
  const operands = definition.operands ?? [];
  const program: AnyProgram = {
    name: definition.name,
    summary: definition.summary,
    ...(definition.description !== undefined && { description: definition.description }),
    ...(definition.commands && { commands: definition.commands }),
    options: { ...own, ...withoutTakenLetters(own) },
    operands,
    async start(calledAs, argv) {
      if (asksFor(argv, "--help")) return show(usageText(program, calledAs));
      const read = readArguments(argv, program.options, definition.commands ? "subcommand" : operands);
      if (read.options.version) return show(`${program.name} ${version}\n`);
      if (definition.commands) checkSubcommand(definition.commands, read.operands[0]);
      // citty is loaded here because it costs 6 ms, which usage and refusals need not wait for.
      const { runAsCommand } = await import("./citty-command.ts");
      return runAsCommand(program, read.words, {
        async run() {
          // readArguments() built the values by the same definitions that GivenOptions is derived from.
          const options = read.options as GivenOptions<O>;
          return (await definition.run({ calledAs, options, operands: read.operands })) ?? exitCodes.ok;
        },
        async runSubcommand(name, rest) {
          // A subcommand is a program of its own: it shows its own usage.
          const before = definition.passesOptions ? read.words.slice(0, -read.operands.length) : [];
          return runProgram(await definition.commands![name]!.load(), [...before, ...rest], `${calledAs} ${name}`);
        },
      });
    },
  };
  return program;
}

/** Runs the program on a command line and gives its exit code; never throws. */
export async function runProgram(
  program: AnyProgram,
  argv: readonly string[],
  calledAs = program.name,
  say: (words: string) => void = writeWords,
): Promise<number> {
  try {
    return await program.start(calledAs, argv);
  } catch (fault) {
    if (isBrokenPipe(fault)) return exitCodes.ok; // whoever read our output has seen enough
    if (fault instanceof UsageError) say(`${calledAs}: ${fault.message}\n\n${usageText(program, calledAs)}`);
    else if (isExpected(fault)) say(`${prefixLines(calledAs, describeFault(fault))}\n`);
    else say(`${calledAs}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}\n`);
    return exitCodeFor(fault);
  }
}

/** Commands of another program, by name. */
export function subcommands(...programs: readonly AnyProgram[]): Readonly<Record<string, Subcommand>> {
  return Object.fromEntries(
    programs.map((program) => [program.name, { summary: program.summary, load: async () => program }]),
  );
}

/** What a file in bin/ ends with: `if (import.meta.main) await main(program)`. */
export async function main(program: AnyProgram): Promise<never> {
  process.exit(await runProgram(program, process.argv.slice(2)));
}

function checkSubcommand(commands: NonNullable<Program["commands"]>, name: string | undefined): void {
  if (name !== undefined && !Object.hasOwn(commands, name)) throw new UsageError(`Unknown command "${name}"`);
}

/** --version, without its letter where the program has another use for it. */
function withoutTakenLetters(own: OptionDefinitions): OptionDefinitions {
  const taken = Object.values(own).some((option) => option.short === ownOptions.version.short);
  return taken ? { ...ownOptions, version: { doc: ownOptions.version.doc } } : ownOptions;
}

/** Whether an option is asked for before `--` or a first operand, so that help is had from any command line. */
function asksFor(argv: readonly string[], option: string): boolean {
  for (const word of argv) {
    if (word === option) return true;
    if (word === "--" || !word.startsWith("-")) return false;
  }
  return false;
}

function show(text: string): number {
  writeOutput(text);
  return exitCodes.ok;
}

function prefixLines(calledAs: string, text: string): string {
  return text
    .split("\n")
    .map((line) => `${calledAs}: ${line}`)
    .join("\n");
}
