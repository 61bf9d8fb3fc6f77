import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromLatin1, latin1 } from "../../lib/base/bytes.ts";
import { ReplyScanner } from "../../lib/wire/reply-scanner.ts";

function scan(pieces: readonly string[]) {
  const seen = { data: "", events: [] as string[], counts: [] as string[] };
  const scanner = new ReplyScanner({
    data: (bytes) => {
      seen.data += latin1(bytes);
    },
    continuation: (text) => void seen.events.push(`+ ${text}`),
    tagged: (tag, rest) => void seen.events.push(`${tag}: ${rest}`),
    bye: (text) => void seen.events.push(`bye ${text}`),
    counts: (line) => void seen.counts.push(latin1(line).trimEnd()),
    missed: () => void seen.counts.push("missed"),
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

  test("shows the lines that count messages, wherever they are cut, and no others", () => {
    const counting = [
      "* 3 EXISTS\r\n",
      "* 2 expunge\n",
      "* VANISHED 4:7,9\r\n",
      "* OK [UIDNEXT 4] Ok\r\n",
      "* 1 FETCH (BODY[] {12}\r\n* 9 EXISTS\r\n)\r\n",
      "* 4 RECENT\r\n",
      '* LIST () "/" EXISTS\r\n',
      "* SEARCH 1 2\r\n",
      "* 5 EXISTS\r\n",
    ].join("");
    const expected = ["* 3 EXISTS", "* 2 expunge", "* VANISHED 4:7,9", "* OK [UIDNEXT 4] Ok", "* 5 EXISTS"];
    expect(scan([counting]).counts).toEqual(expected);
    for (let at = 1; at < counting.length; at += 1) {
      expect(scan([counting.slice(0, at), counting.slice(at)]).counts).toEqual(expected);
    }
  });

  test("shows FETCH only of messages that it was told to show", () => {
    const counts: string[] = [];
    const ignore = () => {};
    const scanner = new ReplyScanner({
      ...{ data: ignore, continuation: ignore, tagged: ignore, bye: ignore },
      counts: (line) => void counts.push(latin1(line).trimEnd()),
    });
    const text = "* 4 FETCH (UID 9)\r\n* 5 FETCH (UID 10)\r\n* 11 FETCH (UID 20 BODY[] {1}\r\nx)\r\n* OK 99\r\n";
    scanner.feed(fromLatin1(text));
    expect(counts.splice(0)).toEqual(["* OK 99"]);
    scanner.fetchesFrom = 5;
    scanner.feed(fromLatin1(text));
    expect(counts).toEqual(["* 5 FETCH (UID 10)", "* 11 FETCH (UID 20 BODY[] {1}", "* OK 99"]);
  });

  test("says that it cannot show a VANISHED longer than it holds", () => {
    const long = `* VANISHED ${"1,3,".repeat(5000)}7`;
    expect(scan([long, "\r\n* 1 EXISTS\r\n"]).counts).toEqual(["missed", "* 1 EXISTS"]);
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
