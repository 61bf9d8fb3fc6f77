// `npm run build`: dist/bin with one executable for all programs, linked (hard) under the name of each. It finds out what to
// be from the name it is called by, so that any one of the links can be copied away alone. With --separate each program is
// compiled by itself, for those who want images with a single purpose; every file then has its own copy of the runtime.

import { linkSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { program, programs } from "../bin/iatlas.ts";
import { defineProgram, main } from "../lib/cli/command.ts";
import { writeWords } from "../lib/cli/output.ts";

const root = join(import.meta.dir, "..");

/** Without the two last, a program would run what a .env or bunfig.toml in its working directory says. */
const flags = [
  "--minify",
  "--bytecode",
  "--format=esm",
  "--sourcemap=none",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

await main(
  defineProgram({
    name: "build",
    summary: "Compile the programs",
    options: {
      separate: { doc: "One executable for each program, instead of one for all with links." },
      outdir: { value: "folder", doc: "Where they go, instead of dist/bin." },
    },
    run({ options }) {
      const folder = options.outdir ?? join(root, "dist/bin");
      const names = [program.name, ...Object.keys(programs)];
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      if (options.separate) for (const name of names) compile(name, join(folder, name));
      else compileOne(folder, names);
      const size = Math.round(statSync(join(folder, program.name)).size / 1e6);
      writeWords(`${folder}: ${names.join(" ")} (${size} MB${options.separate ? " each" : ""})\n`);
    },
  }),
);

function compileOne(folder: string, [first, ...others]: readonly string[]): void {
  compile(first!, join(folder, first!));
  for (const name of others) linkSync(join(folder, first!), join(folder, name));
}

function compile(name: string, outfile: string): void {
  const entry = join(root, "bin", `${name}.ts`);
  const command = [process.execPath, "build", "--compile", ...flags, entry, "--outfile", outfile];
  const { success, stdout, stderr } = Bun.spawnSync(command, { cwd: root, stdin: "ignore", timeout: 120_000 });
  if (!success) throw new Error(`Cannot compile ${entry}:\n${stdout}${stderr}`);
}
