import { expect, test } from "bun:test";
import {
  contentLanguages,
  parseContentType,
  parseDisposition,
  transferEncoding,
} from "../../lib/message/content-type.ts";
import { parseHeader } from "../../lib/message/header.ts";

const types: readonly (readonly [value: string, type: string, ...parameters: [string, string][]])[] = [
  ["text/plain", "TEXT/PLAIN"],
  ["Text / HTML ; Charset = UTF-8", "TEXT/HTML", ["CHARSET", "UTF-8"]],
  ["text/plain; charset=us-ascii (Plain text)", "TEXT/PLAIN", ["CHARSET", "us-ascii"]], // RFC 2045 §5.1
  ['(c) text/plain; charset="us-ascii"', "TEXT/PLAIN", ["CHARSET", "us-ascii"]],
  ["image/svg+xml;;name=a.svg;", "IMAGE/SVG+XML", ["NAME", "a.svg"]],
  ["application/pdf; name=my file.pdf; x=y", "APPLICATION/PDF", ["NAME", "my file.pdf"], ["X", "y"]],
  ['application/pdf; name="a;b\\"c"; =z; novalue; x=', "APPLICATION/PDF", ["NAME", 'a;b"c'], ["X", ""]],
  ["text/plain charset=utf-8", "TEXT/PLAIN"],
  ['a/b; name="open', "A/B", ["NAME", "open"]],
  ["a/b; x*0=1; x*1=2; x*3=4", "A/B", ["X", "12"]],
  ["a/b; x*1=2; y=z", "A/B", ["Y", "z"]],
  ["a/b; x*1=2; x*0=1", "A/B", ["X", "12"]],
];

test.each(types.map(([value, type, ...parameters]) => [value, type, parameters] as const))(
  "parseContentType(%p) is %p",
  (value, type, parameters) => {
    const parsed = parseContentType(value);
    expect(`${parsed?.type}/${parsed?.subtype}`).toBe(type);
    expect(parsed?.parameters).toEqual([...parameters]);
  },
);

test.each(["", "text", "text/", "/plain", "=/=", "text plain", ";charset=x"])(
  "parseContentType() refuses %p",
  (value) => {
    expect(parseContentType(value)).toBeUndefined();
  },
);

test("parseDisposition() reads type and parameters", () => {
  expect(parseDisposition('Attachment; filename="x y"')).toEqual({
    type: "ATTACHMENT",
    parameters: [["FILENAME", "x y"]],
  });
  expect(parseDisposition("; filename=x")).toBeUndefined();
});

test("transferEncoding() and contentLanguages() read through comments and blanks", () => {
  const header = parseHeader(
    Buffer.from("Content-Transfer-Encoding: (x) base64 (y)\r\nContent-Language: de, en-GB (x), , fr\r\n\r\n"),
  );
  expect(transferEncoding(header)).toBe("BASE64");
  expect(contentLanguages(header)).toEqual(["de", "en-GB", "fr"]);
  expect(transferEncoding(parseHeader(Buffer.from("\r\n")))).toBe("7BIT");
});
