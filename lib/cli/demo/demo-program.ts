// `iatlas demo`: a whole murder on one machine, for looking around in, for tests and for interop.

import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineProgram } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import type { AnyProgram } from "../program.ts";
import { runDemo } from "./demo.ts";
import { defaultFirstPort, demoUsers, planDemo } from "./plan.ts";
import { shortPath } from "./report.ts";

/** `sourceFolder` is where the programs' sources are, or a folder that exists only inside a compiled executable. */
export function demoProgram(sourceFolder: string, programNames: readonly string[]): AnyProgram {
  return defineProgram({
    name: "demo",
    summary: "Start a whole murder on this machine: two frontends, two backends and a MUPDATE master",
    description:
      "Everything listens on 127.0.0.1 and lives in one folder, with generated configuration files, throw-away certificates, " +
      "four users with sample mail and a shared folder. It ends, with all its processes, at Ctrl-C; started again on the same " +
      "folder it finds the mail again. To be rid of it, remove the folder.",
    options: {
      dir: { value: "folder", doc: "Folder of the demo instead of ./demo." },
      ports: { value: "base", type: "integer", doc: `First of 46 ports instead of ${defaultFirstPort}.` },
      import: { value: "path", doc: "Deliver mail of yours: an mbox file, a Maildir, or a folder of .eml files." },
      user: { value: "name", doc: "With --import: who gets it, instead of ann." },
      json: { doc: "Print one line of JSON when everything is up." },
    },
    async run({ options }) {
      const folder = resolve(options.dir ?? "demo");
      const plan = planDemo(folder, options.ports ?? defaultFirstPort);
      if (options.user !== undefined && options.import === undefined) {
        throw new UsageError("--user is only for --import");
      }
      const user = options.user ?? demoUsers[0].user;
      if (!demoUsers.some((each) => each.user === user)) {
        throw new UsageError(`--user: "${user}" is not one of ${demoUsers.map((each) => each.user).join(", ")}`);
      }
      return runDemo({
        plan,
        ...ownPrograms(sourceFolder, join(folder, "bin"), programNames),
        json: options.json,
        import: options.import === undefined ? undefined : { path: options.import, user },
      });
    },
  });
}

interface OwnPrograms {
  /** The command line of master. */
  readonly master: readonly string[];
  /** How iatlas is called, for people to type. */
  readonly ownCommand: string;
  /** Done once the folder is known to be ours. */
  readonly prepare: () => void;
}

/** A compiled executable may stand alone: it is every program when it is called by that program's name. */
function ownPrograms(sourceFolder: string, linkFolder: string, names: readonly string[]): OwnPrograms {
  if (!sourceFolder.startsWith("/$bunfs/")) {
    return {
      master: [process.execPath, join(sourceFolder, "master.ts")],
      ownCommand: `npx bun ${shortPath(join(sourceFolder, "iatlas.ts"))}`,
      prepare() {},
    };
  }
  return {
    master: [join(linkFolder, "master")],
    ownCommand: process.argv0,
    prepare() {
      rmSync(linkFolder, { recursive: true, force: true });
      mkdirSync(linkFolder, { recursive: true });
      for (const name of names) symlinkSync(process.execPath, join(linkFolder, name));
    },
  };
}
