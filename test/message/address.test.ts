import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddressList } from "../../lib/message/address.ts";

const nil = undefined;

type Row = readonly [
  name: string | undefined,
  route: string | undefined,
  mailbox: string | undefined,
  host: string | undefined,
];

const lists: readonly (readonly [text: string, ...rows: Row[]])[] = [
  [""],
  [" , ,, "],
  ["ann@example.org", [nil, nil, "ann", "example.org"]],
  ["Ann B. <ann@example.org>", ["Ann B.", nil, "ann", "example.org"]],
  ["Ann\r\n\tB <ann@example.org>", ["Ann B", nil, "ann", "example.org"]],
  ['"Ann \\"the\\\\ B" <ann@example.org>', ['Ann "the\\ B', nil, "ann", "example.org"]],
  ['"a" b"c" <x@y>', ["a bc", nil, "x", "y"]],
  ["ann@example.org (Ann)", ["Ann", nil, "ann", "example.org"]],
  ["(Ann) ann@example.org", ["Ann", nil, "ann", "example.org"]],
  ["<ann@example.org> (Ann)", ["Ann", nil, "ann", "example.org"]],
  [
    "Ann (not me) <ann@example.org>, bob@example.net",
    ["Ann", nil, "ann", "example.org"],
    [nil, nil, "bob", "example.net"],
  ],
  // RFC 5322 A.5
  ["Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", ["Pete", nil, "pete", "silly.test"]],
  [
    "A Group(Some people)\r\n :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org,\r\n John <jdoe@one.test> (my dear friend); (the end of the group)",
    [nil, nil, "A Group", nil],
    ["Chris Jones", nil, "c", "public.example"],
    [nil, nil, "joe", "example.org"],
    ["John", nil, "jdoe", "one.test"],
    [nil, nil, nil, nil],
  ],
  // RFC 5322 A.6.1
  [
    "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
    ["Mary Smith", "@node.test", "mary", "example.net"],
    [nil, nil, "jdoe", "test.example"],
  ],
  ['"Joe & J. Harvey" <"j h"@example.org>', ["Joe & J. Harvey", nil, "j h", "example.org"]],
  ["<ann@[192.0.2.1]>", [nil, nil, "ann", "[192.0.2.1]"]],
  // broken, but real
  ["ann@example.org <ann@example.org>", ["ann@example.org", nil, "ann", "example.org"]],
  ["root", [nil, nil, "root", "unspecified-domain"]],
  ["MAILER-DAEMON (Mail System)", ["Mail System", nil, "MAILER-DAEMON", "unspecified-domain"]],
  ["<ann>", [nil, nil, "ann", "unspecified-domain"]],
  ["Ann <ann@example.org", ["Ann", nil, "ann", "example.org"]],
  ["Ann <<ann@example.org>>", ["Ann", nil, "ann", "example.org"]],
  ["Group: ann@example.org", [nil, nil, "Group", nil], [nil, nil, "ann", "example.org"], [nil, nil, nil, nil]],
  ["a@b; c@d", [nil, nil, "a", "b"], [nil, nil, "c", "d"]],
  ["a@b@c", [nil, nil, "a@b", "c"]],
  ["@example.org", [nil, nil, "", "example.org"]],
  ["J\xc3\xb6rg <j@example.org>", ["J\xc3\xb6rg", nil, "j", "example.org"]],
];

test.each(lists.map(([text, ...rows]) => [text, rows] as const))("parseAddressList(%p)", (text, rows) => {
  const read = parseAddressList(text).map((each): Row => [each.name, each.route, each.mailbox, each.host]);
  expect(read).toEqual([...rows]);
});

test("groups open and close in turn, and no address lacks a host, whatever the text", () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab.@<>,;:()"\\[] \r\n=?\xe9') });
  fc.assert(
    fc.property(text, (value) => {
      let isInGroup = false;
      for (const { mailbox, host } of parseAddressList(value)) {
        if (host !== undefined) continue;
        expect(mailbox === undefined).toBe(isInGroup);
        isInGroup = !isInGroup;
      }
      expect(isInGroup).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

const word = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_+"), minLength: 1, maxLength: 8 });
const phrase = fc.string({ unit: fc.constantFrom(...'ab ,;:<>@()"\\.'), minLength: 1 });

test("a list written by the rules is read back", () => {
  const address = fc.record({ name: phrase, mailbox: phrase, host: word });
  const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  fc.assert(
    fc.property(fc.array(address), (addresses) => {
      const text = addresses
        .map(({ name, mailbox, host }) => `${quoted(name)} <${quoted(mailbox)}@${host}>`)
        .join(", ");
      expect(
        parseAddressList(text).map(({ name, mailbox, host }) => ({ name: name!, mailbox: mailbox!, host: host! })),
      ).toEqual(addresses);
    }),
  );
});
