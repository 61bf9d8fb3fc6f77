import { expect, test } from "bun:test";
import { No } from "../../lib/base/fault.ts";
import { readArguments } from "../../lib/cli/arguments.ts";
import { argsOf } from "../../lib/cli/citty-command.ts";
import { defineProgram, subcommands } from "../../lib/cli/command.ts";
import { exitCodeFor, UsageError } from "../../lib/cli/exit-code.ts";
import { usageText } from "../../lib/cli/usage.ts";
import { ConfigError } from "../../lib/config/config-error.ts";

const options = {
  config: { short: "C", value: "file", doc: "Configuration file." },
  daemon: { short: "d", doc: "Go to the background." },
  debug: { short: "D", doc: "Stay." },
  verbose: { short: "v", repeat: true, doc: "More." },
  uses: { short: "U", value: "number", type: "integer", doc: "Uses." },
  listen: { value: "address", repeat: true, doc: "Address." },
  mode: { value: "mode", choices: ["a", "b"], doc: "Mode." },
} as const;

function read(argv: string, operands: Parameters<typeof readArguments>[2] = []) {
  return readArguments(argv.split(" ").filter(Boolean), options, operands);
}

function refusal(argv: string, operands: Parameters<typeof readArguments>[2] = []): string {
  try {
    read(argv, operands);
  } catch (fault) {
    if (fault instanceof UsageError) return fault.message;
    throw fault;
  }
  return "accepted";
}

test("readArguments() reads one-letter options as getopt does: apart, joined and in clusters", () => {
  const absent = {
    config: undefined,
    daemon: false,
    debug: false,
    verbose: 0,
    uses: undefined,
    listen: [],
    mode: undefined,
  };
  expect(read("-C a.conf").options).toEqual({ ...absent, config: "a.conf" });
  expect(read("-Ca.conf").options).toEqual({ ...absent, config: "a.conf" });
  expect(read("-dC a.conf -vv").options).toEqual({ ...absent, daemon: true, config: "a.conf", verbose: 2 });
  expect(read("-D").options).toEqual({ ...absent, debug: true });
  expect(read("-U -5").options).toEqual({ ...absent, uses: -5 });
  expect(read("--config=a --listen x --listen=y").options).toEqual({ ...absent, config: "a", listen: ["x", "y"] });
});

test("readArguments() refuses what is not defined", () => {
  expect(refusal("-x")).toBe("Unknown option -x");
  expect(refusal("-dx")).toBe("Unknown option -x");
  expect(refusal("--confg a")).toBe('Unknown option --confg (did you mean "--config"?)');
  expect(refusal("--no-daemon")).toStartWith("Unknown option --no-daemon");
  expect(refusal("-C")).toBe("-C needs a value (file)");
  expect(refusal("--config")).toBe("--config needs a value (file)");
  expect(refusal("--daemon=yes")).toBe("--daemon takes no value");
  expect(refusal("-C a -C b")).toBe("-C is given twice");
  expect(refusal("-U many")).toBe('--uses: "many" is not a whole number');
  expect(refusal("--mode c")).toBe('--mode: "c" is not one of a, b');
});

test("readArguments() counts operands", () => {
  const one = [{ name: "user", doc: "User." }] as const;
  const many = [{ name: "mailbox", doc: "Mailbox.", optional: true, repeat: true }] as const;
  expect(refusal("stray")).toBe('Unexpected operand "stray"');
  expect(refusal("", one)).toBe("Operand user is missing");
  expect(refusal("a b", one)).toBe('Unexpected operand "b"');
  expect(read("-- -C", one).operands).toEqual(["-C"]);
  expect(read("", many).operands).toEqual([]);
  expect(read("a b -d c", many).operands).toEqual(["a", "b", "c"]);
});

test("defineProgram() gives run() typed options and returns its exit code", async () => {
  const program = defineProgram({
    name: "tool",
    summary: "Does a thing",
    options,
    operands: [{ name: "user", doc: "User.", optional: true }],
    run(invocation) {
      const uses: number | undefined = invocation.options.uses;
      const listen: readonly string[] = invocation.options.listen;
      const mode: "a" | "b" | undefined = invocation.options.mode;
      const debug: boolean = invocation.options.debug;
      expect([uses, listen, mode, debug, invocation.operands]).toEqual([3, [], "b", false, ["ann"]]);
      return 69;
    },
  });
  expect(await program.start("tool", ["-U3", "--mode", "b", "ann"])).toBe(69);
});

test("defineProgram() hands what follows a subcommand's name to it", async () => {
  const seen: unknown[] = [];
  const child = defineProgram({
    name: "lint",
    summary: "Checks",
    options: { strict: { doc: "Strict." } },
    operands: [{ name: "file", doc: "File." }],
    run: ({ calledAs, options: { strict }, operands }) => {
      seen.push(calledAs, strict, operands);
      return undefined;
    },
  });
  const parent = defineProgram({
    name: "iatlas",
    summary: "All programs",
    options: { config: options.config },
    commands: { lint: { summary: "Checks", load: async () => child } },
    run: () => 64,
  });
  expect(await parent.start("iatlas", ["-C", "x", "lint", "--strict", "f"])).toBe(0);
  expect(seen).toEqual(["iatlas lint", true, ["f"]]);
  expect(() => parent.start("iatlas", ["lnt"])).toThrow('Unknown command "lnt"');
});

test("a program that passes its options on takes them before and behind the subcommand", async () => {
  const seen: unknown[] = [];
  const shared = { config: options.config };
  const child = defineProgram({
    name: "a",
    summary: "A",
    options: shared,
    operands: [{ name: "file", doc: "File.", optional: true }],
    run: ({ options: { config }, operands }) => {
      seen.push([config, ...operands]);
      return undefined;
    },
  });
  const parent = defineProgram({
    name: "tool",
    summary: "All",
    options: shared,
    passesOptions: true,
    commands: subcommands(child),
    run: () => 64,
  });
  expect(await parent.start("tool", ["-C", "x", "a", "f"])).toBe(0);
  expect(await parent.start("tool", ["a", "-Cx", "--", "-f"])).toBe(0);
  expect(await parent.start("tool", ["-C", "x", "a"])).toBe(0);
  expect(seen).toEqual([["x", "f"], ["x", "-f"], ["x"]]);
});

test("a program with subcommands is found through clusters and option values, and runs itself without one", async () => {
  const seen: string[] = [];
  const child = defineProgram({ name: "a", summary: "A", run: () => 75 });
  const parent = defineProgram({
    name: "iatlas",
    summary: "All programs",
    options: { config: options.config, daemon: options.daemon },
    commands: { a: { summary: "A", load: async () => child } },
    run: ({ options: { config } }) => {
      seen.push(String(config));
      return 69;
    },
  });
  expect(await parent.start("iatlas", ["-dC", "a", "a"])).toBe(75);
  expect(await parent.start("iatlas", ["-dC", "a"])).toBe(69);
  expect(await parent.start("iatlas", ["-C", "--no-daemon"])).toBe(69);
  expect(seen).toEqual(["a", "--no-daemon"]);
  expect(() => parent.start("iatlas", ["toString"])).toThrow('Unknown command "toString"');
});

test("argsOf() gives citty the definitions of a program", async () => {
  const program = defineProgram({
    name: "tool",
    summary: "Does a thing",
    options: { mode: options.mode, config: options.config, daemon: options.daemon },
    operands: [{ name: "user", doc: "User.", optional: true }],
    run: () => 0,
  });
  const { help: _help, version: _version, ...args } = argsOf(program);
  expect(args).toEqual({
    mode: { type: "enum", description: "Mode.", valueHint: "mode", options: ["a", "b"] },
    config: { type: "string", description: "Configuration file.", valueHint: "file", alias: "C" },
    daemon: { type: "boolean", description: "Go to the background.", alias: "d" },
    user: { type: "positional", description: "User.", required: false },
  });
});

test("usageText() fits 80 columns and leaves out what has no effect", () => {
  const program = defineProgram({
    name: "imapd",
    summary: "Serves IMAP",
    options: { ...options, threads: { short: "T", value: "seconds", ignored: true, doc: "Nothing." } },
    run: () => 0,
  });
  expect(usageText(program, "imapd")).toBe(`Usage: imapd [options]

Serves IMAP.

Options:
  -C, --config <file>     Configuration file.
  -d, --daemon            Go to the background.
  -D, --debug             Stay.
  -v, --verbose           More. Can be repeated.
  -U, --uses <number>     Uses.
      --listen <address>  Address. Can be repeated.
      --mode <mode>       Mode. One of a, b.
      --help              Show this text and end.
  -V, --version           Show the version and end.
`);
});

test("exitCodeFor() follows sysexits", () => {
  expect(exitCodeFor(new UsageError("x"))).toBe(64);
  expect(exitCodeFor(new ConfigError(["x"]))).toBe(78);
  expect(exitCodeFor(new No("UNAVAILABLE", "x"))).toBe(75);
  expect(exitCodeFor(new No("NOPERM", "x"))).toBe(77);
  expect(exitCodeFor(new No("NONEXISTENT", "x"))).toBe(69);
  expect(exitCodeFor(Object.assign(new Error("x"), { code: "ECONNREFUSED" }))).toBe(75);
  expect(exitCodeFor(Object.assign(new Error("x"), { exitCode: 71 }))).toBe(71);
  expect(exitCodeFor(new TypeError("x"))).toBe(70);
});
