import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromLatin1 } from "../../lib/base/bytes.ts";
import { Bad } from "../../lib/base/fault.ts";
import { FrameReader } from "../../lib/wire/frame-reader.ts";
import { Reader } from "../../lib/wire/reader.ts";
import { formatAstring, formatString } from "../../lib/wire/writer.ts";

function readerOf(wire: string): Reader {
  const frames = new FrameReader({ maxText: 100_000 });
  frames.feed(fromLatin1(`${wire}\r\n`));
  for (let event = frames.next(); event; event = frames.next()) {
    if (event.kind === "literal") frames.buffer();
    if (event.kind === "frame") return new Reader(event.frame);
  }
  throw new Error("no frame");
}

describe("Reader", () => {
  test("reads what the writer writes, for every string (round trip)", () => {
    const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(octets, octets, (a, b) => {
        const reader = readerOf(`${formatString(a)} ${formatAstring(b)}`);
        expect(reader.string()).toBe(a);
        reader.space();
        expect(reader.astring()).toBe(b);
        reader.end();
      }),
    );
  });

  test("reads lists, keywords and numbers", () => {
    const reader = readerOf("(a b c) unchangedsince 42");
    expect(reader.list(() => reader.atom())).toEqual(["a", "b", "c"]);
    reader.space();
    expect(reader.peekKeyword()).toBe("UNCHANGEDSINCE");
    expect(reader.keyword()).toBe("UNCHANGEDSINCE");
    reader.space();
    expect(reader.number()).toBe(42);
    reader.end();
  });

  test.each(["", "(", '"open', "a b", ")"])("refuses %p as a single string with Bad", (wire) => {
    expect(() => {
      const reader = readerOf(wire);
      reader.astring();
      reader.end();
    }).toThrow(Bad);
  });
});
