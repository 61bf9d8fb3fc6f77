import { expect, test } from "bun:test";
import fc from "fast-check";
import { DotDecoder, DotEncoder } from "../../lib/wire/dot-stuffing.ts";

/** The text that comes out, and what follows the end. */
function decode(chunks: readonly string[]): { text: string; rest: string; isEnded: boolean } {
  const decoder = new DotDecoder();
  let text = "";
  let rest = "";
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk, "latin1");
    const used = decoder.decode(bytes, (piece) => {
      text += Buffer.from(piece).toString("latin1");
    });
    rest += bytes.toString("latin1", used);
  }
  return { text, rest, isEnded: decoder.isEnded };
}

function encode(chunks: readonly string[]): string {
  const encoder = new DotEncoder();
  let text = "";
  for (const chunk of chunks) {
    encoder.encode(Buffer.from(chunk, "latin1"), (piece) => {
      text += Buffer.from(piece).toString("latin1");
    });
  }
  return text + encoder.end();
}

test.each([
  ["a message", "a\r\nb\r\n.\r\n", "a\r\nb\r\n", ""],
  ["an empty message", ".\r\n", "", ""],
  ["dots at line starts", "..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", ""],
  ["a command behind the end", "a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n"],
  ["a single dot before text", ".a\r\n.\r\n", "a\r\n", ""],
])("DotDecoder reads %s", (_, wire, text, rest) => {
  expect(decode([wire])).toEqual({ text, rest, isEnded: true });
  expect(decode([...wire])).toEqual({ text, rest, isEnded: true });
});

test.each(["a\n.\r\n", "a\r\n.\n", "a\n.\n", "a\r.\r\n", "a\r\n.\r"])(
  "DotDecoder does not take %j for the end (R93)",
  (wire) => {
    expect(decode([wire]).isEnded).toBe(false);
    expect(decode([...wire]).isEnded).toBe(false);
  },
);

const pieces = fc.array(fc.constantFrom("\r\n", ".", "\r\n.", "a", "\r", "\n", "..", "\r\n..\r\n"), { maxLength: 20 });

test("DotDecoder gives back what DotEncoder was given, however both are cut", () => {
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 5 }), (message, width) => {
      const text = message.join("");
      const wire = encode(message);
      const cut = wire.match(new RegExp(`[^]{1,${width}}`, "g")) ?? [];
      const complete = text === "" || text.endsWith("\r\n") ? text : `${text}\r\n`;
      expect(decode(cut)).toEqual({ text: complete, rest: "", isEnded: true });
      expect(encode([text])).toBe(wire);
    }),
  );
});
