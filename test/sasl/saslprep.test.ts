import { expect, test } from "bun:test";
import { Bad } from "../../lib/base/fault.ts";
import { saslprep, saslprepOctets } from "../../lib/sasl/saslprep.ts";

// The first five are the examples of RFC 4013 §3.
test.each([
  ["I\u00adX", "IX"],
  ["user", "user"],
  ["USER", "USER"],
  ["\u00aa", "a"],
  ["\u2168", "IX"],
  ["a\u00a0b", "a b"],
  ["", ""],
  ["\u0627\u0628", "\u0627\u0628"],
])("saslprep() turns %j into %j", (text, expected) => {
  expect(saslprep(text)).toBe(expected);
});

test.each(["\u0007", "a\0b", "\u06271", "\u0627a\u0628", "\ue000", "\ud800", "\u200e", "\u{1ffff}", "\u0085"])(
  "saslprep() refuses %j",
  (text) => {
    expect(() => saslprep(text)).toThrow(Bad);
  },
);

test("a password that came as octets is read as UTF-8 where it can be", () => {
  expect(saslprepOctets("p\xc3\xa4ss")).toBe("p\u00e4ss");
  expect(saslprepOctets("p\xe4ss")).toBe("p\u00e4ss");
  expect(() => saslprepOctets("a\nb")).toThrow(Bad);
});
