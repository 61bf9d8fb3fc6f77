import { expect, test } from "bun:test";
import fc from "fast-check";
import { allValues, firstValue, parseHeader, selectFields, unfold } from "../../lib/message/header.ts";
import { hostileMail } from "../support/hostile-mail.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

const mail = bytesOf(
  "From: ann\r\nReceived: one\r\n by two\r\nsubject:\r\n\tfolded \r\nReceived: three\r\n\r\nbody: no\r\n",
);

test("parseHeader() ends after the empty line and names fields in lower case", () => {
  const header = parseHeader(mail);
  expect(header.fields.map((field) => field.name)).toEqual(["from", "received", "subject", "received"]);
  expect(textOf(mail.subarray(header.end))).toBe("body: no\r\n");
  expect(header.end - header.fieldsEnd).toBe(2);
});

test("values are unfolded by removing line ends only, and trimmed", () => {
  const header = parseHeader(mail);
  expect(firstValue(header, "subject")).toBe("folded");
  expect(allValues(header, "received")).toEqual(["one by two", "three"]);
  expect(firstValue(header, "to")).toBeUndefined();
});

test("unfold() keeps an octet 0xA0 at the end: it may be half of a UTF-8 character", () => {
  expect(unfold(" voil\xc3\xa0\r\n")).toBe("voil\xc3\xa0");
});

test("selectFields() keeps octets and order, and adds the empty line (RFC 9051 §6.4.5)", () => {
  const header = parseHeader(mail);
  expect(textOf(selectFields(mail, header, ["RECEIVED"], true))).toBe(
    "Received: one\r\n by two\r\nReceived: three\r\n\r\n",
  );
  expect(textOf(selectFields(mail, header, ["Received", "from"], false))).toBe("subject:\r\n\tfolded \r\n\r\n");
  expect(textOf(selectFields(mail, header, ["None"], true))).toBe("\r\n");
});

test("selectFields() adds no empty line where the header has none", () => {
  const cut = bytesOf("From: ann\r\nTo: bob");
  expect(textOf(selectFields(cut, parseHeader(cut), ["to"], true))).toBe("To: bob");
  expect(textOf(selectFields(cut, parseHeader(cut), ["none"], true))).toBe("");
});

test("fields follow each other without a gap, whatever the octets", () => {
  fc.assert(
    fc.property(hostileMail, (bytes) => {
      const header = parseHeader(bytes);
      let at = 0;
      for (const field of header.fields) {
        expect(field.start).toBe(at);
        expect(field.valueStart).toBeGreaterThanOrEqual(field.start);
        expect(field.end).toBeGreaterThanOrEqual(field.valueStart);
        at = field.end;
      }
      expect(header.fieldsEnd).toBe(at);
      expect(header.end).toBeLessThanOrEqual(bytes.length);
      const names = header.fields.map((field) => field.name);
      expect(textOf(selectFields(bytes, header, names, true))).toStartWith(textOf(bytes.subarray(0, header.fieldsEnd)));
    }),
  );
});

test("a header of more fields than anybody writes keeps its octets in one last field", () => {
  const many = bytesOf("a:b\r\n".repeat(30_000));
  const header = parseHeader(many);
  expect(header.fields.length).toBe(20_000);
  expect(header.fields.at(-1)?.end).toBe(many.length);
});
