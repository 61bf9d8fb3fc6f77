import { expect, test } from "bun:test";
import { parseSection, type Section, SectionReader, sourceOf } from "../../lib/message/section.ts";
import { mailFixtures } from "../support/mail-fixtures.ts";

// BODY[…] of real shapes of mail is tested with the goldens, in test/mailbox/structure.test.ts.

const good: readonly (readonly [spec: string, path: readonly number[], what: Section["what"]])[] = [
  ["", [], "all"],
  ["1", [1], "all"],
  ["1.20.3", [1, 20, 3], "all"],
  ["header", [], "header"],
  ["TEXT", [], "text"],
  ["1.2.MIME", [1, 2], "mime"],
  ["3.Header", [3], "header"],
];

test.each(good)("parseSection(%p)", (spec, path, what) => {
  expect(parseSection(spec)).toEqual({ path, what, fields: [] });
});

test("parseSection() takes field names with HEADER.FIELDS and only there", () => {
  expect(parseSection("1.HEADER.FIELDS.NOT", ["To"])).toEqual({ path: [1], what: "header.fields.not", fields: ["To"] });
  expect(parseSection("HEADER.FIELDS")).toBeUndefined();
  expect(parseSection("HEADER", ["To"])).toBeUndefined();
});

test.each([
  "MIME",
  "0",
  "01",
  "1.",
  ".1",
  "1..2",
  "1.0",
  "TEXT.1",
  "HEADERS",
  "1TEXT",
  " 1",
  "1.HEADER.FIELDS.X",
  "-1",
])("parseSection() refuses %p", (spec) => {
  expect(parseSection(spec)).toBeUndefined();
});

const mixed = mailFixtures().find((fixture) => fixture.name === "mixed")!;

function readerOf(bytes: Uint8Array) {
  const reads: [number, number][] = [];
  const source = sourceOf(bytes);
  const read = (start: number, end: number) => {
    reads.push([start, end]);
    return source.read(start, end);
  };
  return { reader: new SectionReader({ ...source, read }), reads, headerSize: source.headerSize };
}

test("sections of the whole message read no more than they give", () => {
  const { reader, reads, headerSize } = readerOf(mixed.bytes);
  reader.read(parseSection("HEADER")!);
  reader.read(parseSection("HEADER.FIELDS", ["Subject"])!);
  reader.read(parseSection("")!, 10, 20);
  reader.read(parseSection("TEXT")!, 0, 5);
  expect(reads).toEqual([
    [0, headerSize],
    [0, headerSize],
    [10, 30],
    [headerSize, headerSize + 5],
  ]);
});

test("read() clips a partial to the section, and gives nothing beyond its end (RFC 9051 §6.4.5)", () => {
  const { reader } = readerOf(mixed.bytes);
  const text = (offset: number, length: number) =>
    Buffer.from(reader.read(parseSection("1.1")!, offset, length)!).toString();
  expect(text(0, 3)).toBe("see");
  expect(text(4, 1000)).toBe("the picture\r\n");
  expect(text(1000, 10)).toBe("");
  expect(Buffer.from(reader.read(parseSection("HEADER.FIELDS", ["Subject"])!, 9, 5)!).toString()).toBe("Files");
});

test("readDecoded() undoes the transfer encoding, and says when it cannot (R29)", () => {
  const { reader } = readerOf(mixed.bytes);
  expect(reader.readDecoded([2])).toEqual(Buffer.from("89504e470d0a1a0a", "hex"));
  expect(reader.readDecoded([9])).toBeUndefined();
  const strange = Buffer.from("Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin");
  expect(new SectionReader(sourceOf(strange)).readDecoded([1])).toBe("unknown");
});
