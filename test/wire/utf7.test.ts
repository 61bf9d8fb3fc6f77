import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeUtf7, encodeUtf7, isValidUtf7 } from "../../lib/wire/utf7.ts";

const pairs: readonly (readonly [name: string, wire: string])[] = [
  ["INBOX", "INBOX"],
  ["", ""],
  ["Q&A", "Q&-A"],
  ["Entwürfe", "Entw&APw-rfe"],
  ["~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"], // RFC 3501 §5.1.3
  ["&ü&", "&-&APw-&-"],
  ["😀", "&2D3eAA-"],
  ["tab\there", "tab&AAk-here"],
];

test.each(pairs)("%p is %p on the wire, both ways (R13)", (name, wire) => {
  expect(encodeUtf7(name)).toBe(wire);
  expect(decodeUtf7(wire)).toBe(name);
});

const invalid: readonly (readonly [wire: string, why: string])[] = [
  ["Entwürfe", "eight bits"],
  ["a\tb", "a control character as itself"],
  ["a&", "a shift without an end"],
  ["a&APw", "a shift without its hyphen"],
  ["a&APw/b-", "a slash in the base64"],
  ["&AGE-", "a printable character in base64 (RFC 3501 §5.1.3)"],
  ["&U,BTFw-&ZeVnLIqe-", "a shift right after a shift (RFC 3501 §5.1.3)"],
  ["&AP-", "half a character"],
  ["&APx-", "padding bits that are not zero"],
  ["&2D0-", "half a surrogate pair"],
];

test.each(invalid)("isValidUtf7() refuses %p: %s", (wire) => {
  expect(isValidUtf7(wire)).toBe(false);
});

test("every well-formed name comes back from the wire unchanged", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      const wire = encodeUtf7(name);
      expect(wire).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeUtf7(wire)).toBe(name);
    }),
  );
});

test("decodeUtf7() never throws and accepts only what encodes to the same", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."&-,+/AGUab2D\t") }), (wire) => {
      const name = decodeUtf7(wire);
      if (name !== undefined) expect(encodeUtf7(name)).toBe(wire);
    }),
  );
});
