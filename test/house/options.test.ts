// imapd.conf(5) tells the truth: an option is said to be read exactly when some code reads it.

import { test } from "bun:test";
import { schema } from "../../lib/config/schema.ts";
import { expectRule, sourcesIn } from "../support/sources.ts";

const code = sourcesIn("bin", "lib")
  .filter(({ path }) => !path.startsWith("lib/config/options/") && path !== "lib/config/cyrus-options.ts")
  .map(({ lines }) => lines.filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join("\n"))
  .join("\n");

/** `config.NAME`, a member of a settings interface, a Pick<Config, "NAME">, or taken out of one in braces. */
const mentions =
  /(?<=\b(?:\w*[cC]onfig|\w*[sS]ettings|values)\.|readonly |[|<,(] ?"|^\s*\| "|[{,] )[a-z][a-z0-9_]+\b/gm;
const read: ReadonlySet<string> = new Set([...code.matchAll(mentions)].map((match) => match[0]));

test("every option that has readers is read by some code", () => {
  const unread = Object.entries(schema).filter(([name, { usedBy }]) => usedBy.length > 0 && !read.has(name));
  expectRule(
    "An option that no code reads has usedBy []",
    unread.map(([name]) => name),
  );
});

test("every option that some code reads says who reads it", () => {
  const secret = Object.entries(schema).filter(([name, { usedBy }]) => usedBy.length === 0 && read.has(name));
  expectRule(
    "An option that is read names its readers in usedBy",
    secret.map(([name]) => name),
  );
});
