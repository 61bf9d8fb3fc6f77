// The programs: each file of bin/ is in the umbrella's table, and man/ says what the definitions say.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ownCommands, programs, program as umbrella } from "../../bin/iatlas.ts";
import { manPages } from "../../tools/man-pages.ts";
import { expectRule, root, sourcesIn } from "../support/sources.ts";

const handWritten = ["murder.7"];

test("the umbrella's table has every program of bin/, and nothing else", () => {
  const files = sourcesIn("bin").map(({ path }) => basename(path, ".ts"));
  expect([...Object.keys(programs), umbrella.name].toSorted()).toEqual(files.toSorted());
});

test("the table gives each program its own name and summary", async () => {
  for (const [name, { summary, load }] of Object.entries({ ...programs, ...ownCommands })) {
    const program = await load();
    expect({ name: program.name, summary: program.summary }).toEqual({ name, summary });
  }
});

test("every option and operand is explained in a sentence", async () => {
  for (const { load } of Object.values(programs)) {
    const { name, options, operands } = await load();
    const texts = [...Object.values(options), ...operands].map(({ doc }) => `${name}: ${doc}`);
    expectRule(
      "What is shown to people is a sentence",
      texts.filter((text) => !/\.$/.test(text)),
    );
  }
});

test("the files of bin/ end with their start, and only when they are called", () => {
  const broken = sourcesIn("bin").filter(
    ({ lines }) => !/^if \(import\.meta\.main\) await main\(/.test(lines.at(-2) ?? ""),
  );
  expectRule(
    "A program's file ends with `if (import.meta.main) await main(program);`",
    broken.map(({ path }) => path),
  );
});

test("man/ is what tools/man.ts writes", async () => {
  const pages = await manPages();
  const stale = [...pages].filter(([name, text]) => {
    const path = join(root, "man", name);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  expectRule(
    "man/ agrees byte for byte with the definitions: run npm run man",
    stale.map(([name]) => `man/${name}`),
  );
  expect(readdirSync(join(root, "man")).toSorted()).toEqual([...pages.keys(), ...handWritten].toSorted());
});
