import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeHeaderText, decodeText } from "../../lib/message/charset.ts";

const texts: readonly (readonly [charset: string, octets: string, text: string])[] = [
  ["utf-8", "c3bc", "ü"],
  ["ISO-8859-1", "fc", "ü"],
  ["koi8-r", "c1", "а"],
  ["gb2312", "c4e3", "你"],
  ["big5", "a741", "你"],
  ["iso-2022-jp", "1b2442467c1b2842", "日"],
  ["euc-kr", "c7d1", "한"],
  ["utf-7", Buffer.from("Hi +ZeVnLIqe-!").toString("hex"), "Hi 日本語!"], // RFC 2152
  ["utf-7", Buffer.from("1 +- 1").toString("hex"), "1 + 1"],
  ["hz-gb-2312", Buffer.from("a~~~{VPND~}b").toString("hex"), "a~中文b"],
  ["iso-2022-kr", "1b2429430e47510f61", "한a"],
  ["cp437", "84e3", "äπ"],
  ["IBM850", "84e3", "äÒ"],
  ["us-ascii", "c3bc", "ü"],
  ["us-ascii", "fc", "ü"],
  ["no-such-charset", "c3bc", "ü"],
  ["__proto__", "61", "a"],
  ["", "fc", "ü"],
];

test.each(texts)("decodeText() in %p reads %p as %p", (charset, octets, text) => {
  expect(decodeText(Buffer.from(octets, "hex"), charset)).toBe(text);
});

const headers: readonly (readonly [value: string, text: string])[] = [
  ["plain", "plain"],
  ["=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Bonn", "Grüße aus Bonn"],
  // RFC 2047 §8
  ["=?ISO-8859-1?Q?a?=", "a"],
  ["=?ISO-8859-1?Q?a?= b", "a b"],
  ["=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"],
  ["=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=", "ab"],
  ["=?ISO-8859-1?Q?a_b?=", "a b"],
  ["=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"],
  ["=?utf-8?B?w7w=?=x=?utf-8?b?w7w?=", "üxü"],
  ["=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"], // a character cut in two
  ["=?utf-8*de?q?=C3=BC?=", "ü"], // RFC 2231 §5
  ["=?utf-8?x?abc?=", "=?utf-8?x?abc?="],
  ["=?utf-8?q?open", "=?utf-8?q?open"],
  ["\xc3\xbc =?utf-8?q?=C3=BC?= \xfc", "ü ü ü"],
];

test.each(headers)("decodeHeaderText(%p) is %p", (value, text) => {
  expect(decodeHeaderText(value)).toBe(text);
});

test("every text comes back from base64 words, wherever they are cut", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), fc.integer({ min: 1, max: 9 }), (text, size) => {
      const octets = Buffer.from(text);
      const words: string[] = [];
      for (let at = 0; at < octets.length; at += size)
        words.push(`=?UTF-8?B?${octets.subarray(at, at + size).toString("base64")}?=`);
      expect(decodeHeaderText(words.join(" "))).toBe(text);
    }),
  );
});

test("decodeHeaderText() never throws", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."=?utf-8qb_ C3\xfc\t") }),
      (value) => void decodeHeaderText(value),
    ),
  );
});
