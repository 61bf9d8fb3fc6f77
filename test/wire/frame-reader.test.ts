import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromLatin1, latin1 } from "../../lib/base/bytes.ts";
import type { Frame } from "../../lib/wire/frame.ts";
import { type FrameEvent, FrameReader } from "../../lib/wire/frame-reader.ts";

const limits = { maxText: 100 };

/** Feeds pieces and takes every event; literals are buffered. */
function readAll(pieces: readonly string[], reader = new FrameReader(limits)): FrameEvent[] {
  const events: FrameEvent[] = [];
  for (const piece of pieces) {
    reader.feed(fromLatin1(piece));
    for (let event = reader.next(); event; event = reader.next()) {
      events.push(event);
      if (event.kind === "literal") reader.buffer();
    }
    reader.settle();
  }
  return events;
}

function frames(events: readonly FrameEvent[]): Frame[] {
  return events.flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
}

function shown(frame: Frame): string {
  return frame.texts
    .map((text, index) => {
      const literal = frame.literals[index];
      return literal ? `${text}<${latin1(literal.bytes ?? new Uint8Array())}>` : text;
    })
    .join("");
}

describe("FrameReader", () => {
  test("cuts pipelined commands at CRLF and at bare LF (R6)", () => {
    expect(frames(readAll(["a NOOP\r\nb NOOP\nc NO", "OP\r\n"])).map(shown)).toEqual(["a NOOP", "b NOOP", "c NOOP"]);
  });

  test("puts literals between texts, synchronizing or not, empty and binary (R5)", () => {
    const [frame] = frames(readAll(["a LOGIN {3}\r\nann {0+}\r\n ~{2}\r\n\0\n x\r\n"]));
    expect(frame && shown(frame)).toBe("a LOGIN <ann> <> <\0\n> x");
    expect(frame?.literals.map((each) => [each.size, each.isSynchronizing, each.isBinary])).toEqual([
      [3, true, false],
      [0, false, false],
      [2, true, true],
    ]);
  });

  test("takes for text what only looks like a literal's announcement", () => {
    for (const end of ["{}", "{+}", "{3-}", "{3a}", "{a3}", "3}", "{3 }", "{-3}", "{1234567890123456}", "}", "+}"]) {
      expect(frames(readAll([`a NOOP ${end}\r\n`, `${end}\r\n`])).map(shown)).toEqual([`a NOOP ${end}`, end]);
    }
    const reader = new FrameReader(limits);
    reader.feed(fromLatin1("a X {123456789012345}\r\n"));
    expect(reader.next()).toMatchObject({ kind: "literal", size: 123_456_789_012_345 });
  });

  test("gives the same frames however the stream is cut", () => {
    const stream = "a NOOP\r\nb APPEND x {11+}\r\nline\r\nline2 (a {2}\r\nhi)\r\nc X\r\n";
    const whole = frames(readAll([stream])).map(shown);
    expect(whole).toHaveLength(3);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...new Set(cuts)].sort((a, b) => a - b);
        const pieces = at.map((start, index) => stream.slice(start, at[index + 1]));
        expect(frames(readAll(pieces)).map(shown)).toEqual(whole);
      }),
    );
  });

  test("skips an over-long line and stays in step", () => {
    const events = readAll([`a ${"x".repeat(90)}`, "y".repeat(500), "\r\nb NOOP\r\n"]);
    expect(events.map((event) => event.kind)).toEqual(["overflow", "frame"]);
    expect(events[0]?.kind === "overflow" && events[0].text.startsWith("a x")).toBe(true);
  });

  test("gives a command room for the text of each message that it streams, and no more", () => {
    const readFrom = (size: number) => {
      const reader = new FrameReader(limits);
      reader.feed(fromLatin1(`a APPEND x${` (flags) {${size}+}\r\n${"z".repeat(size)}`.repeat(50)}\r\nb NOOP\r\n`));
      const kinds: string[] = [];
      for (let event = reader.next(); event; event = reader.next()) {
        kinds.push(event.kind);
        if (event.kind === "literal") reader.sink({ write: () => undefined, end: () => undefined, abort() {} });
      }
      return new Set(kinds);
    };
    expect([...readFrom(20)]).toEqual(["literal", "frame"]);
    expect([...readFrom(1)]).toEqual(["literal", "overflow", "frame"]);
  });

  test("skips a refused non-synchronizing literal and the rest of its frame", () => {
    const reader = new FrameReader(limits);
    reader.feed(fromLatin1("a APPEND x {10+}\r\n0123"));
    expect(reader.next()?.kind).toBe("literal");
    reader.refuse();
    expect(reader.next()).toBeUndefined();
    reader.settle();
    reader.feed(fromLatin1("456789 tail\r\nb NOOP\r\n"));
    const event = reader.next();
    expect(event?.kind === "frame" && shown(event.frame)).toBe("b NOOP");
  });

  test("goes on with the next command after refusing a synchronizing literal", () => {
    const reader = new FrameReader(limits);
    reader.feed(fromLatin1("a APPEND x {10}\r\n"));
    expect(reader.next()?.kind).toBe("literal");
    reader.refuse();
    reader.feed(fromLatin1("b NOOP\r\n"));
    const event = reader.next();
    expect(event?.kind === "frame" && shown(event.frame)).toBe("b NOOP");
  });

  test("streams a literal to a sink and waits when the sink asks", async () => {
    const reader = new FrameReader(limits);
    const got: string[] = [];
    let release = () => {};
    reader.feed(fromLatin1("a APPEND x {6+}\r\nabc"));
    expect(reader.next()?.kind).toBe("literal");
    reader.sink({
      write(bytes) {
        got.push(latin1(bytes));
        return got.length === 1 ? new Promise<void>((resolve) => (release = resolve)) : undefined;
      },
      end: () => "done",
      abort: () => {},
    });
    expect(reader.next()).toBeUndefined();
    reader.settle();
    reader.feed(fromLatin1("def\r\n"));
    expect(reader.next()).toBeUndefined();
    reader.settle();
    const waiting = reader.waiting;
    release();
    await waiting;
    const event = reader.next();
    expect(event?.kind === "frame" && event.frame.literals[0]?.sunk).toBe("done");
    expect(got.join("")).toBe("abcdef");
  });
});
