import { expect, test } from "bun:test";
import { Bad } from "../../lib/base/fault.ts";
import { formatRecipient, parsePathArgument, parseRecipient } from "../../lib/lmtp/parse/path.ts";

test.each([
  ["FROM:<>", ""],
  ["from: <a@lab>", "a@lab"],
  ["FROM:<@relay.lab,@b.lab:a@lab>", "a@lab"],
  ['FROM:<"a > b"@lab>', '"a > b"@lab'],
])("parsePathArgument() reads %s", (text, path) => {
  expect(parsePathArgument(text, "FROM").path).toBe(path);
});

test("parsePathArgument() reads parameters, their keywords in any case", () => {
  const { parameters } = parsePathArgument("FROM:<a@lab> size=100 BODY=8BITMIME AUTH=<>", "FROM");
  expect([...parameters]).toEqual([
    ["SIZE", "100"],
    ["BODY", "8BITMIME"],
    ["AUTH", "<>"],
  ]);
});

test.each(["<a@lab>", "FROM:a@lab", "FROM:<a@lab", "FROM:<a\u0001@lab>", "FROM:<a>x", "FROM:<a> =", "FROM:<a> X X"])(
  "parsePathArgument() refuses %j",
  (text) => {
    expect(() => parsePathArgument(text, "FROM")).toThrow(Bad);
  },
);

test.each([
  ["ann", "ann", ""],
  ["ann@LAB", "ann", "lab"],
  ['"a\\"b@c"@lab', 'a"b@c', "lab"],
  ["+dept@lab", "+dept", "lab"],
])("parseRecipient() reads %s, and formatRecipient() gives it back", (path, localPart, domain) => {
  const address = parseRecipient(path);
  expect(address).toEqual({ localPart, domain });
  expect(parseRecipient(formatRecipient(address))).toEqual(address);
});

test.each(["", "@lab", '""@lab'])("parseRecipient() refuses %j", (path) => {
  expect(() => parseRecipient(path)).toThrow(Bad);
});
