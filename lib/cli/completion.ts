// `iatlas completion`: a script for bash, zsh or fish, generated from the definitions of all programs. The scripts only hold
// tables: which words may follow which command, and which options take a value.

import { defineProgram } from "./command.ts";
import { UsageError } from "./exit-code.ts";
import { writeOutput } from "./output.ts";
import type { AnyProgram, OptionDefinition, Subcommand } from "./program.ts";
import { shownOptions } from "./usage.ts";

/** One command line's beginning, such as "iatlas config lint", and what may follow. */
export interface CompletedCommand {
  readonly path: string;
  readonly commands: readonly (readonly [name: string, summary: string])[];
  readonly options: readonly (readonly [name: string, definition: OptionDefinition])[];
}

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

/** `umbrella` has all the programs as commands; each of `programs` can also be called by itself. */
export function completionProgram(umbrella: AnyProgram, programs: Readonly<Record<string, Subcommand>>): AnyProgram {
  return defineProgram({
    name: "completion",
    summary: "Print a script that makes a shell complete our command lines",
    description:
      "For bash, put the output where bash-completion looks, such as /etc/bash_completion.d/iatlas, or run " +
      'eval "$(iatlas completion bash)". For zsh, save it as _iatlas in a folder of fpath. For fish, save it as ' +
      "~/.config/fish/completions/iatlas.fish.",
    operands: [{ name: "shell", doc: "One of bash, zsh, fish." }],
    async run({ operands }) {
      const shell = shells.find((each) => each === operands[0]);
      if (!shell) throw new UsageError(`Unknown shell "${operands[0]}"`);
      writeOutput(completionScript(shell, await completedCommands(umbrella, programs)));
    },
  });
}

export async function completedCommands(
  umbrella: AnyProgram,
  programs: Readonly<Record<string, Subcommand>>,
): Promise<CompletedCommand[]> {
  const alone = await Promise.all(Object.entries(programs).map(([, { load }]) => load()));
  const all = await Promise.all([umbrella, ...alone].map((program) => withSubcommands(program, program.name)));
  return all.flat();
}

async function withSubcommands(program: AnyProgram, path: string): Promise<CompletedCommand[]> {
  const commands = Object.entries(program.commands ?? {});
  const own: CompletedCommand = {
    path,
    commands: commands.map(([name, { summary }]) => [name, summary]),
    options: shownOptions(program),
  };
  const below = commands.map(async ([name, { load }]) => withSubcommands(await load(), `${path} ${name}`));
  return [own, ...(await Promise.all(below)).flat()];
}

export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return writers[shell](commands);
}

const writers: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

function programNames(commands: readonly CompletedCommand[]): string[] {
  return commands.map(({ path }) => path).filter((path) => !path.includes(" "));
}

function optionWords([name, { short }]: CompletedCommand["options"][number]): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

/** `"path") something ;;` for each command that has something. */
function cases(commands: readonly CompletedCommand[], text: (command: CompletedCommand) => string): string {
  return commands
    .map((command) => [command.path, text(command)] as const)
    .filter(([, words]) => words !== "")
    .map(([path, words]) => `    "${path}") echo "${words}" ;;\n`)
    .join("");
}

/** bash and zsh share the tables as shell functions: one word list for a path, one for an option's value. */
function shellTables(commands: readonly CompletedCommand[]): string {
  const subcommands = cases(commands, (command) => command.commands.map(([name]) => name).join(" "));
  const options = cases(commands, (command) => command.options.flatMap(optionWords).join(" "));
  const valued = cases(commands, (command) =>
    command.options
      .filter(([, { value }]) => value !== undefined)
      .flatMap(optionWords)
      .join(" "),
  );
  const choices = commands.flatMap(({ path, options: all }) =>
    all
      .filter(([, { choices: some }]) => some)
      .flatMap((option) =>
        optionWords(option).map((word) => `    "${path} ${word}") echo "${option[1].choices!.join(" ")}" ;;\n`),
      ),
  );
  const table = (name: string, rows: string) => `_iatlas_${name}() {\n  case "$1" in\n${rows}  esac\n}\n`;
  return [
    table("subcommands", subcommands),
    table("options", options),
    table("valued", valued),
    table("choices", choices.join("")),
  ].join("\n");
}

/** Finds the command in front of the cursor: the words that are subcommands, skipping options and their values. */
const findPath = `_iatlas_path() {
  local path="\${1##*/}" skip="" word
  shift
  for word in "$@"; do
    if [ -n "$skip" ]; then skip=""; continue; fi
    case "$word" in
      -*) case " $(_iatlas_valued "$path") " in *" $word "*) skip=1 ;; esac ;;
      *) case " $(_iatlas_subcommands "$path") " in *" $word "*) path="$path $word" ;; esac ;;
    esac
  done
  echo "$path"
}
`;

/** What may follow; nothing means: a file name. */
const candidates = `_iatlas_candidates() {
  local path="$1" before="$2" current="$3"
  case " $(_iatlas_valued "$path") " in
    *" $before "*) _iatlas_choices "$path $before"; return ;;
  esac
  case "$current" in
    -*) _iatlas_options "$path" ;;
    *) _iatlas_subcommands "$path" ;;
  esac
}
`;

function bashScript(commands: readonly CompletedCommand[]): string {
  return `# bash completion for iatlas
${shellTables(commands)}
${findPath}
${candidates}
_iatlas() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" path
  path=$(_iatlas_path "\${COMP_WORDS[@]:0:COMP_CWORD}")
  mapfile -t COMPREPLY < <(compgen -W "$(_iatlas_candidates "$path" "$before" "$current")" -- "$current")
}

complete -o default -F _iatlas ${programNames(commands).join(" ")}
`;
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const names = programNames(commands).join(" ");
  return `#compdef ${names}
${shellTables(commands)}
${findPath}
${candidates}
_iatlas() {
  local current="\${words[CURRENT]}" before="\${words[CURRENT - 1]}" found
  found=$(_iatlas_candidates "$(_iatlas_path "\${(@)words[1,CURRENT-1]}")" "$before" "$current")
  if [ -n "$found" ]; then compadd -- \${=found}; else _files; fi
}

compdef _iatlas ${names}
`;
}

/** fish shows summaries beside the words, so it gets one line for each. */
function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const [name, ...parents] = command.path.split(" ");
    const condition = fishCondition(parents, command.commands);
    const start = `complete -c ${name}${condition}`;
    return [
      ...command.commands.map(([word, summary]) => `${start} -f -a ${word} -d ${fishQuoted(summary)}`),
      ...command.options.map((option) => start + fishOption(option)),
    ];
  });
  return `# fish completion for iatlas\n${lines.join("\n")}\n`;
}

function fishCondition(parents: readonly string[], below: CompletedCommand["commands"]): string {
  const seen = parents.map((parent) => `__fish_seen_subcommand_from ${parent}`);
  const unseen = below.length > 0 ? [`not __fish_seen_subcommand_from ${below.map(([word]) => word).join(" ")}`] : [];
  const all = [...seen, ...unseen];
  return all.length === 0 ? "" : ` -n ${fishQuoted(all.join("; and "))}`;
}

function fishOption([name, { short, value, choices, doc }]: CompletedCommand["options"][number]): string {
  const letter = short === undefined ? "" : ` -s ${short}`;
  const kind = choices ? ` -x -a ${fishQuoted(choices.join(" "))}` : value === undefined ? "" : " -r";
  return ` -l ${name}${letter}${kind} -d ${fishQuoted(doc)}`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
