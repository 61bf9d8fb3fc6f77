import { expect, test } from "bun:test";
import fc from "fast-check";
import { maxDepth, maxParts, type Part, parseMessage } from "../../lib/message/structure.ts";
import { hostileMail } from "../support/hostile-mail.ts";
import { mailFixtures } from "../support/mail-fixtures.ts";

function expectNested(part: Part, start: number, end: number, bytes: Uint8Array): void {
  expect(part.header.start).toBeGreaterThanOrEqual(start);
  expect(part.header.end).toBe(part.bodyStart);
  expect(part.bodyStart).toBeGreaterThanOrEqual(part.header.start);
  expect(part.bodyEnd).toBeGreaterThanOrEqual(part.bodyStart);
  expect(part.bodyEnd).toBeLessThanOrEqual(end);
  if (part.kind === "text" || part.kind === "message") {
    expect(part.lines).toBe(
      Buffer.from(bytes.subarray(part.bodyStart, part.bodyEnd)).toString("latin1").split("\n").length - 1,
    );
  }
  if (part.kind === "message") expect(part.children.length).toBe(1);
  if (part.kind === "multipart") expect(part.children.length).toBeGreaterThan(0);
  let at = part.bodyStart;
  for (const child of part.children) {
    expectNested(child, at, part.bodyEnd, bytes);
    at = child.bodyEnd;
  }
}

test("parts nest, follow each other and stay within the message, whatever the octets", () => {
  fc.assert(
    fc.property(hostileMail, (bytes) => expectNested(parseMessage(bytes), 0, bytes.length, bytes)),
    { numRuns: 1000 },
  );
});

test("any prefix of a real mail is read too", () => {
  for (const { bytes } of mailFixtures()) {
    if (bytes.length > 2000) continue;
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      expectNested(parseMessage(cut), 0, length, cut);
    }
  }
});

function depthOf(part: Part): number {
  return 1 + Math.max(0, ...part.children.map(depthOf));
}

test("what is nested too deep stays closed, as octets of no special kind", () => {
  const mail = Buffer.from("Content-Type: message/rfc822\r\n\r\n".repeat(300));
  const root = parseMessage(mail);
  expect(depthOf(root)).toBe(maxDepth);
  let deepest = root;
  while (deepest.children[0]) deepest = deepest.children[0];
  expect(deepest.contentType).toEqual({ type: "APPLICATION", subtype: "OCTET-STREAM", parameters: [] });
  expect(deepest.bodyEnd).toBe(mail.length);
});

test("parts beyond the limit are not taken apart", () => {
  const mail = Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\nx\r\n".repeat(maxParts + 5)}--b--\r\n`,
  );
  expect(parseMessage(mail).children.length).toBe(maxParts - 1);
});

const manyOctets = 3_000_000;
const nested = Array.from({ length: maxDepth }, (_, level) => {
  const boundary = `${"p".repeat(60)}${level}`;
  return `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n--${boundary}\r\n`;
}).join("");
const hostile: readonly (readonly [name: string, start: string, repeated: string])[] = [
  ["lines without colon", "", "a\r\n"],
  ["fields", "", "a:b\r\n"],
  ["folded lines", "Subject: a", "\r\n "],
  ["lines of two hyphens", "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--\r\n"],
  ["delimiters", "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n"],
  ["nearly delimiters of many multiparts", nested, `--${"p".repeat(60)}\r\n`],
  ["multiparts in multiparts", "", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"],
  ["messages in messages", "", "Content-Type: message/rfc822\r\n\r\n"],
  ["open comments", "Content-Type: ", "("],
  ["parameters in pieces", "Content-Type: a/b", ";a*0=b"],
];

// A parser that is not linear runs into the runner's time limit here.
test.each(hostile)("megabytes of %s are read in one go", (_, start, repeated) => {
  const mail = Buffer.from(start + repeated.repeat(manyOctets / repeated.length), "latin1");
  const root = parseMessage(mail);
  expect(root.bodyEnd).toBe(mail.length);
});
