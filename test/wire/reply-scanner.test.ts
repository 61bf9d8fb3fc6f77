import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromLatin1, latin1 } from "../../lib/base/bytes.ts";
import { ReplyScanner } from "../../lib/wire/reply-scanner.ts";

function scan(pieces: readonly string[]) {
  const seen = { data: "", events: [] as string[] };
  const scanner = new ReplyScanner({
    data: (bytes) => {
      seen.data += latin1(bytes);
    },
    continuation: (text) => void seen.events.push(`+ ${text}`),
    tagged: (tag, rest) => void seen.events.push(`${tag}: ${rest}`),
    bye: (text) => void seen.events.push(`bye ${text}`),
  });
  for (const piece of pieces) scanner.feed(fromLatin1(piece));
  return { ...seen, isBetween: scanner.isBetweenResponses };
}

const stream = [
  "* 1 FETCH (UID 7 BODY[] {22}\r\n",
  "a OK not a tag\r\n* no\r\n",
  " FLAGS ({2}\r\n",
  "xx))\r\n",
  "* OK looks like a literal {5}\r\n",
  "+ idling\r\n",
  "* 3 EXISTS\r\n",
  "a OK [READ-ONLY] done {3}\r\n",
  "* BYE closing\r\n",
].join("");

describe("ReplyScanner", () => {
  test("passes untagged data on and reports the rest", () => {
    const { data, events, isBetween } = scan([stream]);
    expect(data).toBe(
      stream.replace("+ idling\r\n", "").replace("a OK [READ-ONLY] done {3}\r\n", "").replace("* BYE closing\r\n", ""),
    );
    expect(events).toEqual(["+ idling", "a: OK [READ-ONLY] done {3}", "bye closing"]);
    expect(isBetween).toBe(true);
  });

  test("says the same however the stream is cut", () => {
    const whole = scan([stream]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 20 }), (cuts) => {
        const at = [0, ...[...new Set(cuts)].sort((a, b) => a - b)];
        expect(scan(at.map((start, index) => stream.slice(start, at[index + 1])))).toEqual(whole);
      }),
    );
  });

  test("streams a line longer than it holds, and finds the literal at its end", () => {
    const long = `* SEARCH ${"12345 ".repeat(6000)}{4}\r\na OK\r\n`;
    const half = Math.floor(long.length / 2);
    const { data, events, isBetween } = scan([long.slice(0, half), long.slice(half), "a OK done\r\n"]);
    expect(data).toBe(long);
    expect(events).toEqual(["a: OK done"]);
    expect(isBetween).toBe(true);
  });
});
