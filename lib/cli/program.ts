// What a program is, as data: from it come the strict reading of the command line, usage, the man page and completions.

/** One option. Without `value` it is a switch. */
export interface OptionDefinition {
  /** The one-letter form, case counts. */
  readonly short?: string;
  /** Name of the value in usage, such as "file". */
  readonly value?: string;
  /** `integer` refuses anything else and gives a number. */
  readonly type?: "integer";
  /** The only values. */
  readonly choices?: readonly string[];
  /** May be given several times; the value is then a list. Otherwise a second time is refused. */
  readonly repeat?: true;
  readonly doc: string;
  /** Accepted, as Cyrus has it, but without effect: not shown in usage. */
  readonly ignored?: true;
}

export type OptionDefinitions = Readonly<Record<string, OptionDefinition>>;

export interface OperandDefinition {
  readonly name: string;
  readonly doc: string;
  readonly optional?: true;
  /** Takes all that follow; only the last can. */
  readonly repeat?: true;
}

type GivenValue<D extends OptionDefinition> = D extends { choices: readonly (infer C)[] }
  ? C
  : D extends { type: "integer" }
    ? number
    : string;

/** What `run` gets for an option: switches false when absent, lists empty, values undefined. */
export type OptionValueOf<D extends OptionDefinition> = D extends { value: string }
  ? D extends { repeat: true }
    ? readonly GivenValue<D>[]
    : GivenValue<D> | undefined
  : D extends { repeat: true }
    ? number
    : boolean;

export type GivenOptions<O extends OptionDefinitions> = { readonly [K in keyof O]: OptionValueOf<O[K]> };

export interface Invocation<O extends OptionDefinitions = OptionDefinitions> {
  /** The name the program was called by, with the subcommands before it: "iatlas config lint". */
  readonly calledAs: string;
  readonly options: GivenOptions<O>;
  readonly operands: readonly string[];
}

export interface Program<O extends OptionDefinitions = OptionDefinitions> {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Paragraphs for the man page. */
  readonly description?: string;
  readonly options: O;
  readonly operands: readonly OperandDefinition[];
  /** Instead of operands: subcommands by name. */
  readonly commands?: Readonly<Record<string, Subcommand>>;
  /** The options are the subcommands' too: given in front of one, they are passed on to it. */
  readonly passesOptions?: true;
  /** Returns the exit code; nothing is 0. */
  run(invocation: Invocation<O>): Promise<number | undefined> | number | undefined;
}

/** The program itself is loaded when it is called, so that a program with many subcommands starts fast. */
export interface Subcommand {
  readonly summary: string;
  readonly load: () => Promise<AnyProgram>;
}

/** A program whose options are not known statically: what usage, man pages and the dispatcher work with. */
export interface AnyProgram extends Omit<Program, "run"> {
  start(calledAs: string, argv: readonly string[]): Promise<number>;
}
