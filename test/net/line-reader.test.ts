import { expect, test } from "bun:test";
import { LineReader, overlongLine } from "../../lib/net/line-reader.ts";

function reader(...chunks: readonly string[]): LineReader {
  const lines = new LineReader(20);
  for (const chunk of chunks) lines.feed(Buffer.from(chunk, "latin1"));
  return lines;
}

test("LineReader gives lines with either end, however they are cut", () => {
  const lines = reader("NO", "OP\r", "\nQUIT\n", "re");
  expect([lines.next(), lines.next(), lines.next()]).toEqual(["NOOP", "QUIT", undefined]);
  expect(Buffer.from(lines.takeRest()).toString()).toBe("re");
  expect(lines.buffered).toBe(0);
});

test("LineReader skips an overlong line, keeps nothing of it, and goes on after it", () => {
  const lines = reader("x".repeat(30));
  expect(lines.next()).toBeUndefined();
  expect(lines.buffered).toBe(0);
  lines.feed(Buffer.from("yy\r\nNOOP\r\n"));
  expect([lines.next(), lines.next()]).toEqual([overlongLine, "NOOP"]);
});

test("LineReader says of a complete line that is too long the same", () => {
  expect(reader(`${"x".repeat(19)}\r\n`).next()).toBe(overlongLine);
  expect(reader(`${"x".repeat(18)}\r\n`).next()).toBe("x".repeat(18));
});
