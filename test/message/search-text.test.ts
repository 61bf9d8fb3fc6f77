import { expect, test } from "bun:test";
import { htmlText } from "../../lib/message/html-text.ts";
import { needleOf, SearchableMessage } from "../../lib/message/search-text.ts";
import { sourceOf } from "../../lib/message/section.ts";

const mail = `From: =?utf-8?q?J=C3=B6rg?= <jo@example.org>
Subject: A
 folded  =?iso-8859-1?q?Stra=DFe?=
X-Empty:
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe aus K=
=F6ln
--b
Content-Type: text/html; charset=utf-8

<p>Hel<b>lo</b></p><style>secret</style>caf&#233;
--b
Content-Type: application/octet-stream; name=report.pdf
Content-Transfer-Encoding: base64

aGlkZGVu
--b
Content-Type: text/plain
Content-Transfer-Encoding: base64

dmlzaWJsZQ==
--b
Content-Type: message/rfc822

Subject: Forwarded

inside
--b--
`.replaceAll("\n", "\r\n");

const message = new SearchableMessage(sourceOf(Buffer.from(mail)));

const inHeader: readonly (readonly [name: string, needle: string, isFound: boolean])[] = [
  ["From", "JÖRG", true],
  ["from", "jo@EXAMPLE", true],
  ["From", "utf-8", false],
  ["Subject", "a folded strasse", true],
  ["Subject", "STRASSE", true],
  ["Subject", "inside", false],
  ["X-Empty", "", true],
  ["X-None", "", false],
  ["X-Empty", "x", false],
];

test.each(inHeader)("HEADER %s %p: %p (R28)", (name, needle, isFound) => {
  expect(message.headerContains(name, needleOf(needle))).toBe(isFound);
});

const inMessage: readonly (readonly [needle: string, inBody: boolean, inText: boolean])[] = [
  ["grüsse AUS köln", true, true],
  ["Ko\u0308ln", true, true], // decomposed
  ["hello", true, true],
  ["café", true, true],
  ["VISIBLE", true, true],
  ["hidden", false, false],
  ["forwarded", true, true],
  ["INSIDE", true, true],
  ["example.org", false, true],
  ["report.pdf", false, true],
  ["preamble", false, false],
  ["nowhere", false, false],
];

test.each(inMessage)("%p: in BODY %p, in TEXT %p", (needle, inBody, inText) => {
  expect(message.bodyContains(needleOf(needle))).toBe(inBody);
  expect(message.textContains(needleOf(needle))).toBe(inText);
});

test("a message without MIME is searched as the octets suggest", () => {
  const plain = new SearchableMessage(sourceOf(Buffer.from("Subject: x\r\n\r\nM\xfcnchen", "latin1")));
  expect(plain.bodyContains(needleOf("münchen"))).toBe(true);
});

test("the two small sigmas are one", () => {
  const greek = new SearchableMessage(sourceOf(Buffer.from("\r\nΟΔΟΣ")));
  expect(greek.bodyContains(needleOf("οδοσ"))).toBe(true);
});

test.each([
  ["a<br>b", "a b"],
  ["<b>bo</b>ld", "bold"],
  ["1 < 2 &amp;&#x26;&bogus;", "1 < 2 &&&bogus;"],
  ["x<SCRIPT>y</script>z", "x  z"],
  ["open<style>never closed", "open "],
  ["&#99999999; &#1114112;", "&#99999999; &#1114112;"],
  ["İ<p>x", "İ x"],
])("htmlText(%p) is %p", (html, text) => {
  expect(htmlText(html)).toBe(text);
});
