// LIST patterns.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { compileListPattern } from "../../lib/mailbox/match.ts";

/** The definition of RFC 9051 §6.3.9, as slow as it is plain. */
function matchesSlowly(pattern: string, name: string): boolean {
  if (pattern === "") return name === "";
  const rest = pattern.slice(1);
  if (pattern[0] === "*" || pattern[0] === "%") {
    if (matchesSlowly(rest, name)) return true;
    return name !== "" && (pattern[0] === "*" || name[0] !== ".") && matchesSlowly(pattern, name.slice(1));
  }
  return name !== "" && name[0] === pattern[0] && matchesSlowly(rest, name.slice(1));
}

test("matches() agrees with the definition", () => {
  const pattern = fc.stringMatching(/^[ab.*%]{0,8}$/);
  fc.assert(
    fc.property(pattern, fc.stringMatching(/^[ab.]{0,10}$/), (text, name) => {
      expect(compileListPattern("", text, ".").matches(name)).toBe(matchesSlowly(text, name));
    }),
    { numRuns: 5000 },
  );
});

test("matches() knows the usual patterns", () => {
  const table: readonly [string, string, string, boolean][] = [
    ["", "*", "a/b", true],
    ["", "%", "a", true],
    ["", "%", "a/b", false],
    ["a/", "%", "a/b", true],
    ["a", "/%", "a/b", true],
    ["", "%/b", "a/b", true],
    ["", "a*c", "a/b/c", true],
    ["", "a%c", "a/b/c", false],
    ["", "a", "a", true],
    ["", "a", "A", false],
  ];
  for (const [reference, pattern, name, expected] of table) {
    const matcher = compileListPattern(reference, pattern, "/");
    expect([reference, pattern, name, matcher.matches(name)]).toEqual([reference, pattern, name, expected]);
  }
});

test("INBOX matches in any case, other names do not", () => {
  for (const pattern of ["inbox", "iNb%", "inbox.%", "*", "INBOX*"]) {
    const matcher = compileListPattern("", pattern, ".");
    expect([pattern, matcher.matches("INBOX") || matcher.matches("INBOX.x")]).toEqual([pattern, true]);
  }
  expect(compileListPattern("", "inb%", ".").matches("INBred")).toBe(false);
  expect(compileListPattern("", "inboxes", ".").matches("INBOXES")).toBe(false);
});

test("literal is what every match starts with", () => {
  expect(compileListPattern("user.", "ann*x", ".").literal).toBe("user.ann");
  expect(compileListPattern("", "user.ann", ".")).toMatchObject({ literal: "user.ann", isLiteral: true });
});

test("matchingAncestors() finds levels that need not exist", () => {
  expect(compileListPattern("", "a.%", ".").matchingAncestors("a.b.c.d")).toEqual(["a.b"]);
  expect(compileListPattern("", "*", ".").matchingAncestors("a.b.c")).toEqual(["a", "a.b"]);
  expect(compileListPattern("", "a.b.c", ".").matchingAncestors("a.b.c")).toEqual([]);
});

test("a hostile pattern takes no time worth naming", () => {
  const matcher = compileListPattern("", `${"*a".repeat(500)}*b`, ".");
  expect(matcher.matches("a".repeat(1000))).toBe(false);
});
