import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeTransfer } from "../../lib/message/transfer-encoding.ts";

const bodies: readonly (readonly [encoding: string, body: string, decoded: string])[] = [
  ["7BIT", "a=20b", "a=20b"],
  ["BASE64", "aGVs\r\nbG8=\r\n", "hello"],
  ["BASE64", "aGVs!bG8", "hello"],
  ["BASE64", "aA==aQ==", "hi"],
  ["BASE64", "", ""],
  ["QUOTED-PRINTABLE", "a=3Db=3d\r\n", "a=b=\r\n"],
  ["QUOTED-PRINTABLE", "soft=\r\nbreak= \t\r\n!", "softbreak!"],
  ["QUOTED-PRINTABLE", "blank  \r\nkept=20\r\n", "blank\r\nkept \r\n"],
  ["QUOTED-PRINTABLE", "bad =zz = =4", "bad =zz = =4"],
  ["QUOTED-PRINTABLE", "soft=\nbreak\n", "softbreak\n"],
  ["QUOTED-PRINTABLE", "end=", "end"],
];

test.each(bodies)("%s: %p is %p", (encoding, body, decoded) => {
  expect(Buffer.from(decodeTransfer(Buffer.from(body), encoding)!).toString()).toBe(decoded);
});

test.each(["X-UUENCODE", "toString", ""])("decodeTransfer() does not know %p", (encoding) => {
  expect(decodeTransfer(Buffer.from("x"), encoding)).toBeUndefined();
});

test("octets come back from both encodings", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      const base64 = Buffer.from(octets).toString("base64").replace(/.{10}/g, "$&\r\n");
      expect(Buffer.from(decodeTransfer(Buffer.from(base64), "BASE64")!)).toEqual(Buffer.from(octets));
      const escaped = [...octets].map((octet) => `=${octet.toString(16).padStart(2, "0")}`).join("=\r\n");
      expect(Buffer.from(decodeTransfer(Buffer.from(escaped), "QUOTED-PRINTABLE")!)).toEqual(Buffer.from(octets));
    }),
  );
});
