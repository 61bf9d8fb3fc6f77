import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  dayNumber,
  formatDateTime,
  formatMailDate,
  parseDateTime,
  parseMailDate,
  parseSearchDate,
} from "../../lib/wire/date.ts";

const monday = Date.UTC(2026, 10, 23, 12, 0, 0);

test("parseDateTime() reads RFC 9051's examples", () => {
  expect(parseDateTime("17-Jul-1996 02:44:25 -0700")).toEqual({
    epochMs: Date.UTC(1996, 6, 17, 9, 44, 25),
    zoneMinutes: -420,
  });
  expect(parseDateTime(" 7-Feb-1994 21:52:25 +0530")?.epochMs).toBe(Date.UTC(1994, 1, 7, 16, 22, 25));
});

test.each([
  "7-Feb-1994 21:52:25 -0800", // a single digit needs a space before it
  " 7-Feb-1994 21:52:25",
  "31-Feb-1994 21:52:25 -0800",
  " 0-Feb-1994 21:52:25 -0800",
  "17-Foo-1996 02:44:25 -0700",
  "17-Jul-96 02:44:25 -0700",
  "17-Jul-1996 24:44:25 -0700",
  "17-Jul-1996 02:60:25 -0700",
  "17-Jul-1996 02:44:25 -0760",
  "17-Jul-1996 02:44:25 GMT",
  "",
])("parseDateTime() refuses %p", (text) => {
  expect(parseDateTime(text)).toBeUndefined();
});

test("formatDateTime() pads the day with a space and writes the zone", () => {
  expect(formatDateTime(Date.UTC(1994, 1, 7, 16, 22, 25), 330)).toBe(" 7-Feb-1994 21:52:25 +0530");
  expect(formatDateTime(monday)).toBe("23-Nov-2026 12:00:00 +0000");
  expect(formatDateTime(monday, -210)).toBe("23-Nov-2026 08:30:00 -0330");
});

test("parseSearchDate() gives the day, and refuses a day that does not exist", () => {
  expect(parseSearchDate("1-Jan-1970")).toBe(0);
  expect(parseSearchDate("01-feb-1970")).toBe(31);
  expect(parseSearchDate("29-Feb-2023")).toBeUndefined();
  expect(parseSearchDate("1-Jan-70")).toBeUndefined();
});

test("dayNumber() is the day where the date was written, not the day in UTC", () => {
  const late = parseMailDate("Mon, 23 Nov 2026 23:30:00 -0500");
  expect(late && dayNumber(late)).toBe(parseSearchDate("23-Nov-2026")!);
});

const mailDates: readonly (readonly [text: string, epochMs: number | undefined])[] = [
  ["Mon, 23 Nov 2026 12:00:00 +0000", monday],
  ["23 Nov 2026 12:00 +0000", monday],
  ["Mon, 23 Nov 2026 07:00:00 EST", monday],
  ["Mon, 23 Nov 2026 12:00:00 GMT", monday],
  ["Mon, 23 Nov 2026 12:00:00", monday],
  ["Mon,23 Nov 2026 13:00:00 +0100 (CET)", monday],
  [" Mon (a (nested) comment), 23 Nov\r\n 2026 12:00:00 +0000", monday],
  ["Monday, 23-Nov-26 12:00:00 GMT", monday],
  ["Mon Nov 23 12:00:00 2026", monday],
  ["Mon Nov 23 12:00:00 GMT 2026", monday],
  ["Mon, 23 November 2026 12:00:00 Z", monday],
  ["Mon, 23 Nov 2026 12:00:00 -0000", monday],
  ["Mon, 23 Nov 2026", Date.UTC(2026, 10, 23)],
  ["Thu, 1 Jan 98 00:00:00 +0000", Date.UTC(1998, 0, 1)],
  ["Thu, 1 Jan 102 00:00:00 +0000", Date.UTC(2002, 0, 1)],
  ["", undefined],
  ["yesterday", undefined],
  ["Mon, 32 Nov 2026 12:00:00 +0000", undefined],
];

test.each(mailDates)("parseMailDate(%p) is %p", (text, epochMs) => {
  expect(parseMailDate(text)?.epochMs).toBe(epochMs!);
});

test("dates come back unchanged from both forms, in every zone", () => {
  const seconds = fc.integer({ min: 0, max: 250_000_000_000 }).map((number) => number * 1000);
  const zone = fc.integer({ min: -99 * 60, max: 99 * 60 });
  fc.assert(
    fc.property(seconds, zone, (epochMs, zoneMinutes) => {
      fc.pre(epochMs + zoneMinutes * 60_000 < Date.UTC(9999, 11, 31));
      expect(parseDateTime(formatDateTime(epochMs, zoneMinutes))).toEqual({ epochMs, zoneMinutes });
      expect(parseMailDate(formatMailDate(epochMs, zoneMinutes))).toEqual({ epochMs, zoneMinutes });
    }),
  );
});

test("parseMailDate() never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."Mon, 23Nov26:+-()\r\n\t") }), (text) => void parseMailDate(text)),
  );
});
