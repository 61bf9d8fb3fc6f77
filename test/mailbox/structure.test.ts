import { expect, test } from "bun:test";
import fc from "fast-check";
import { describeMessage } from "../../lib/mailbox/structure.ts";
import { parseSection, SectionReader, sourceOf } from "../../lib/message/section.ts";
import { hostileMail } from "../support/hostile-mail.ts";
import { mailFixtures } from "../support/mail-fixtures.ts";

const fixtures = mailFixtures();

test("there are goldens for at least 25 shapes of mail", () => {
  expect(fixtures.length).toBeGreaterThanOrEqual(25);
});

test.each(fixtures.map((fixture) => [fixture.name, fixture] as const))(
  "%s.eml has its ENVELOPE, BODYSTRUCTURE and BODY (R29)",
  (_, { bytes, expected }) => {
    const { structure, headerSize } = describeMessage(bytes);
    expect(structure.envelope).toBe(expected.envelope);
    expect(structure.bodyStructure).toBe(expected.bodyStructure);
    expect(structure.body).toBe(expected.body);
    expect(headerSize).toBe(sourceOf(bytes).headerSize);
  },
);

const sections = fixtures.flatMap((fixture) =>
  Object.entries(fixture.expected.sections).map(
    ([spec, content]) => [fixture.name, spec, fixture.bytes, content] as const,
  ),
);

test.each(sections)("%s.eml has its BODY[%s] (R30)", (_name, spec, bytes, content) => {
  const [path, fields] =
    spec.split(/[ ()]+/).length > 1
      ? [spec.slice(0, spec.indexOf(" ")), spec.slice(spec.indexOf("(") + 1, -1).split(" ")]
      : [spec, []];
  const section = parseSection(path!, fields);
  if (!section) throw new Error(`not a section: ${spec}`);
  const read = new SectionReader(sourceOf(bytes)).read(section);
  expect(read === undefined ? null : Buffer.from(read).toString("latin1")).toBe(content);
});

/** Reads one value of an IMAP response; returns where it ends, or throws. */
function skipValue(text: string, at: number): number {
  const literal = /^\{(\d+)\}\r\n/.exec(text.slice(at, at + 20));
  if (literal) return at + literal[0].length + Number(literal[1]);
  const simple = /^(?:NIL|\d+|"(?:[^"\\\r\n\x80-\xff\0]|\\["\\])*")/.exec(text.slice(at));
  if (simple) return at + simple[0].length;
  if (text[at] !== "(") throw new Error(`unreadable at ${at}: ${text.slice(at, at + 40)}`);
  let end = at + 1;
  while (text[end] !== ")") {
    if (text[end] === " ") end++;
    end = skipValue(text, end);
  }
  return end + 1;
}

test("whatever the message, all three are one well-formed IMAP list", () => {
  fc.assert(
    fc.property(hostileMail, (bytes) => {
      const { envelope, bodyStructure, body } = describeMessage(bytes).structure;
      for (const text of [envelope, bodyStructure, body]) expect(skipValue(text, 0)).toBe(text.length);
    }),
    { numRuns: 500 },
  );
});

test("an octet that fits in no IMAP string is dropped", () => {
  const { envelope } = describeMessage(Buffer.from("Subject: a\0b\r\n\r\n")).structure;
  expect(envelope).toStartWith("(NIL {2}\r\nab NIL");
});
