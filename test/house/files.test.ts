// What a file looks like from outside: its size, its name, its first lines.

import { test } from "bun:test";
import { basename } from "node:path";
import { expectRule, linesThat, sourcesIn } from "../support/sources.ts";

/** Tables of data may be as long as their subject is. */
const tables: ReadonlySet<string> = new Set(["lib/config/options/core.ts"]);
const longest = 400;
const vagueNames = /^(utils?|helpers?|common|misc|types|index|manager|data|info)\.ts$/;
const programNames = /^(ctl|cyr)_[a-z]+\.ts$/;

const shipped = sourcesIn("bin", "lib");
const all = [...shipped, ...sourcesIn("test", "tools", "bench")];

test("no file has more than 400 lines", () => {
  const long = shipped.filter(({ path, lines }) => lines.length - 1 > longest && !tables.has(path));
  expectRule(
    `Past ${longest} lines a file has two subjects`,
    long.map(({ path, lines }) => `${path}: ${lines.length - 1} lines`),
  );
});

test("no file has a name that says nothing", () => {
  // A file of commands/ has the command's name, even where that is DATA.
  const vague = all.filter(({ path }) => vagueNames.test(basename(path)) && !path.includes("/commands/"));
  expectRule(
    "A file is named after its one export, never utils, helpers, common, misc, types or index",
    vague.map(({ path }) => path),
  );
});

test("names of files are lower case with hyphens", () => {
  const odd = all.filter(({ path }) => {
    const name = basename(path);
    return !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/.test(name) && !programNames.test(name);
  });
  expectRule(
    "Names of files are lower case with hyphens, with underscores only where Cyrus' programs have them",
    odd.map(({ path }) => path),
  );
});

test("every file of bin and lib begins by saying what it is", () => {
  const silent = shipped.filter(({ lines }) => !/^(\/\/|\/\*\*?) ?\S?/.test(lines[0] ?? ""));
  expectRule(
    "A file starts with one to five lines: what it is and what it is not",
    silent.map(({ path }) => path),
  );
});

test("no file only passes on what others export", () => {
  expectRule(
    "There are no barrel files",
    linesThat(shipped, (line) => /^export (\*|(type )?\{[^}]*\}) from /.test(line)),
  );
});

test("nothing is left to do later, or asserted past the type checker", () => {
  const later = /\/\/.*\b(TODO|FIXME|XXX)\b/;
  expectRule(
    "What is not done is an issue, not a comment",
    linesThat(all, (line) => later.test(line)),
  );
  expectRule(
    "The types hold without suppressing anything",
    linesThat(all, (line) => /\/\/\s*(@ts-(ignore|nocheck|expect-error)|biome-ignore)/.test(line)),
  );
});

test("no test is skipped", () => {
  expectRule(
    "Every test runs",
    linesThat(sourcesIn("test"), (line) => /^\s*(test|it|describe)\.(skip|only|todo|failing)\b/.test(line)),
  );
});
