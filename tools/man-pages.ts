// All generated man pages by file name: one for each program in bin/, one for each command that only iatlas has, and the two
// configuration files.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ownCommands, programs, program as umbrella } from "../bin/iatlas.ts";
import { version } from "../lib/cli/command.ts";
import { cyrusConfPage } from "../lib/cli/man/cyrus-conf-page.ts";
import { imapdConfPage } from "../lib/cli/man/imapd-conf-page.ts";
import { leadingComment } from "../lib/cli/man/leading-comment.ts";
import { type DocumentedProgram, programPage } from "../lib/cli/man/program-page.ts";
import type { AnyProgram } from "../lib/cli/program.ts";

const binFolder = join(import.meta.dir, "../bin");

export async function manPages(): Promise<Map<string, string>> {
  const pages = new Map([
    ["imapd.conf.5", imapdConfPage(version, new Set([umbrella.name, ...Object.keys(programs)]))],
    ["cyrus.conf.5", cyrusConfPage(version)],
    ["iatlas.8", umbrellaPage()],
  ]);
  for (const [name, { load }] of Object.entries(programs)) pages.set(`${name}.8`, await binPage(await load()));
  for (const [name, { load }] of Object.entries(ownCommands))
    pages.set(`iatlas-${name}.8`, await commandPage(await load()));
  return pages;
}

async function binPage(program: AnyProgram): Promise<string> {
  const description = describedIn(program.name);
  const seeAlso = ["iatlas(8)", "imapd.conf(5)", "cyrus.conf(5)", "murder(7)"];
  return programPage({ program: await withCommands(program), name: program.name, description, version, seeAlso });
}

function umbrellaPage(): string {
  const own = Object.keys(ownCommands).map((name) => `iatlas-${name}(8)`);
  const seeAlso = [...own, ...Object.keys(programs).map((name) => `${name}(8)`), "murder(7)"];
  const description = describedIn("iatlas");
  return programPage({ program: { program: umbrella, commands: [] }, name: "iatlas", description, version, seeAlso });
}

async function commandPage(program: AnyProgram): Promise<string> {
  const description = program.description ?? `${program.summary}.`;
  const name = `iatlas-${program.name}`;
  return programPage({
    program: await withCommands(program),
    name,
    description,
    version,
    seeAlso: ["iatlas(8)", "murder(7)"],
  });
}

async function withCommands(program: AnyProgram): Promise<DocumentedProgram> {
  const commands = Object.values(program.commands ?? {}).map(async ({ load }) => ({
    program: await load(),
    commands: [],
  }));
  return { program, commands: await Promise.all(commands) };
}

function describedIn(name: string): string {
  return leadingComment(readFileSync(join(binFolder, `${name}.ts`), "utf8"));
}
