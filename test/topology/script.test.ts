// The notation of transcripts: what test/transcripts/README.md promises.

import { describe, expect, test } from "bun:test";
import { matches, substitute } from "./pattern.ts";
import { parseScript } from "./script.ts";

const sent = (body: string) =>
  parseScript("x", `Shows: x\n${body}`).steps.flatMap((step) => (step.kind === "send" ? [step.text] : []));

describe("parseScript()", () => {
  test("sends lines that follow each other in one piece, others apart", () => {
    expect(sent("C: a NOOP\nC: b NOOP\nS: a OK\nC: c NOOP")).toEqual(["a NOOP\r\nb NOOP\r\n", "c NOOP\r\n"]);
    expect(sent("C: a NOOP\nC[bob]: b NOOP")).toEqual(["a NOOP\r\n", "b NOOP\r\n"]);
  });

  test("counts the octets of a literal in UTF-8 and ends its command", () => {
    expect(sent("C: a APPEND x {*+}\nC| ü\nC|\nC: b NOOP")).toEqual(["a APPEND x {6+}\r\nü\r\n\r\n\r\nb NOOP\r\n"]);
  });

  test("puts the size into a line that was sent before the server invited the literal", () => {
    expect(sent("C: a APPEND x {*}\nS: + …\nC| abc\nS: a OK")).toEqual(["a APPEND x {5}\r\n", "abc\r\n\r\n"]);
  });

  test("goes on after a literal with C>", () => {
    expect(sent("C: a APPEND x {*+}\nC| abc\nC>  {*+}\nC| d")).toEqual([
      "a APPEND x {5+}\r\nabc\r\n {3+}\r\nd\r\n\r\n",
    ]);
  });

  test("groups S~ lines and joins the lines of a literal", () => {
    const { steps } = parseScript("x", "Shows: x\nS~ * 1\nS~ * 2\nS: * {*}\nS| a\nS> )\nS… z OK");
    expect(steps).toMatchObject([
      { patterns: ["* 1", "* 2"], skipsUntagged: false },
      { patterns: ["* {*}\n| a\n> )"] },
      { patterns: ["z OK"], skipsUntagged: true },
    ]);
  });

  test("reads where mailboxes are and who may do what there", () => {
    const { setup, usesTwoServers } = parseScript("x", "Shows: x\nMailbox: user.bob.a @2 ann lrs, -carl p\nC: a NOOP");
    expect(setup).toEqual([{ kind: "mailbox", name: "user.bob.a", slot: 2, acl: ["ann lrs", "-carl p"] }]);
    expect(usesTwoServers).toBe(true);
  });

  test("refuses lines that it does not know and scripts that do not say what they show", () => {
    expect(() => parseScript("x", "Shows: x\nC a1 NOOP")).toThrow("x:2");
    expect(() => parseScript("x", "C: a1 NOOP")).toThrow("Shows");
  });
});

describe("matches()", () => {
  test("takes … for anything within a line and nothing beyond it", () => {
    expect(matches("a OK [X] yes", "a OK …", new Map())).toBe(true);
    expect(matches("a {3}\n| x\n> )", "a …)", new Map())).toBe(false);
  });

  test("remembers a word at its first use and wants it again, also within a line", () => {
    const variables = new Map<string, string>();
    expect(matches("* OK [UIDVALIDITY 7] Ok", "* OK [UIDVALIDITY <v>] …", variables)).toBe(true);
    expect(matches("x 8", "x <v>", variables)).toBe(false);
    expect(substitute("C <v> <0> <Ann@x>", variables)).toBe("C 7 <0> <Ann@x>");
    expect(matches("1 1", "<a> <a>", new Map())).toBe(true);
    expect(matches("1 2", "<a> <a>", new Map())).toBe(false);
  });

  test("takes {*} for any size, and everything else as it stands", () => {
    expect(matches("BODY[] {12}", "BODY[] {*}", new Map())).toBe(true);
    expect(matches("BODY[] {12-}", "BODY[] {*}", new Map())).toBe(false);
    expect(matches("BODYx] {12}", "BODY[] {*}", new Map())).toBe(false);
  });
});
