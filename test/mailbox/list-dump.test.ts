// Dumps of the mailbox list: what is written can be read, in both forms, and what is wrong is said with its line.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Acl, formatAcl, type Rights } from "../../lib/mailbox/acl.ts";
import type { MailboxEntry, MailboxState, UniqueId } from "../../lib/mailbox/list.ts";
import { dumpLines } from "../../lib/mailbox/list-dump.ts";
import { readDump } from "../../lib/mailbox/list-dump-reader.ts";
import { dumpTextLines } from "../../lib/mailbox/list-dump-text.ts";
import { type MailboxName, requireMailboxName } from "../../lib/mailbox/name.ts";

const ann: MailboxEntry = {
  name: requireMailboxName("user.ann"),
  uniqueId: "5jynmcupr6uk70438wjafcvd" as UniqueId,
  server: "",
  partition: "default",
  acl: "ann\tlrswipkxtecdan\t-bob\tlr\t" as Acl,
  state: "active",
  uidValidity: 1795450529,
};
const remote: MailboxEntry = {
  ...ann,
  name: requireMailboxName("user.bob"),
  uniqueId: "" as UniqueId,
  server: "be2.lab",
  acl: "bob\tlrs\t" as Acl,
  uidValidity: 0,
};

const json = (entries: readonly MailboxEntry[]) => [...dumpLines(entries)].join("");
const entriesOf = (text: string) => readDump(text).mailboxes.map(({ entry }) => entry);
/** A dump with one mailbox, with some keys otherwise. */
const with_ = (changes: object) =>
  `{\n"user.ann": ${JSON.stringify({ mbtype: "e", partition: "default", ...changes })}\n}\n`;
const problemsOf = (text: string) => readDump(text).problems.map(({ line, name, text }) => `${line}: ${name}: ${text}`);

test("dumpLines() writes a mailbox as Cyrus 3.6 does, key by key", () => {
  expect(json([ann])).toBe(
    '{\n"user.ann": {"name": "user.ann", "mtime": "0", "uidvalidity": "1795450529", "createdmodseq": "0", ' +
      '"foldermodseq": "0", "mbtype": "e", "partition": "default", "acl": {"ann": "lrswipkxtecdan", "-bob": "lr"}, ' +
      '"uniqueid": "5jynmcupr6uk70438wjafcvd", "name_history": []}\n}\n',
  );
});

test("dumpLines() gives a mailbox of another server its server, the r, and a unique id that is always the same", () => {
  const { "user.bob": bob } = JSON.parse(json([remote]));
  expect(bob).toMatchObject({ mbtype: "er", server: "be2.lab", uniqueid: expect.stringMatching(/^[0-9a-f]{24}$/) });
  expect(json([remote])).toBe(json([remote]));
});

test("dumpLines() of nothing is a JSON object", () => {
  expect(JSON.parse(json([]))).toEqual({});
});

const identifiers = fc.stringMatching(/^-?[a-zé"\\@:]{1,12}$/).filter((text) => text !== "-");
const acls = fc
  .uniqueArray(identifiers, { maxLength: 4 })
  .map((all) => formatAcl(all.map((identifier, at) => ({ identifier, rights: (at + 3) as Rights }))));
const states: readonly MailboxState[] = ["active", "reserved", "moving"];
const entries = fc
  .record({
    name: fc
      .stringMatching(/^user\.[a-z^]{1,8}(\.[A-Za-z0-9 -]{1,6}[a-z]){0,2}$/)
      .map((text) => requireMailboxName(text)),
    uniqueId: fc.stringMatching(/^[0-9a-z]{2}[0-9a-z-]{8,20}$/).map((text) => text as UniqueId),
    server: fc.constantFrom("", "be2.lab", "be3.lab:1143"),
    partition: fc.constantFrom("default", "fast"),
    acl: acls,
    state: fc.constantFrom(...states),
    uidValidity: fc.nat({ max: 0xffffffff }),
  })
  .map((entry) => ({ ...entry, ...(entry.server !== "" && entry.state !== "moving" && { uniqueId: "" as UniqueId }) }));
const lists = fc.uniqueArray(entries, { selector: ({ name }) => name, maxLength: 8 });

test("readDump() reads what dumpLines() writes, whatever the list (round trip)", () => {
  fc.assert(fc.property(lists, (list) => expect(entriesOf(json(list))).toEqual(list)));
});

test("readDump() reads JSON however it is laid out", () => {
  const value: unknown = JSON.parse(json([ann, remote]));
  for (const indent of [0, 2, "\t"]) expect(entriesOf(JSON.stringify(value, undefined, indent))).toEqual([ann, remote]);
});

test("readDump() reads what dumpTextLines() writes; only unique ids and UIDVALIDITYs are not in it (round trip)", () => {
  const bare = (list: readonly MailboxEntry[]) => list.map((each) => ({ ...each, uniqueId: "", uidValidity: 0 }));
  const isTextual = ({ state, server }: MailboxEntry) => state !== "moving" || server !== "";
  fc.assert(
    fc.property(lists, (list) => {
      const written = list.filter(isTextual);
      const read = readDump([...dumpTextLines(written)].join("") || "\n", "text");
      expect(read.mailboxes.map(({ entry }) => ({ ...entry }))).toEqual(bare(written) as MailboxEntry[]);
    }),
  );
});

test.each([
  [
    "user.a\tdefault ann\tlrs\t",
    { server: "", partition: "default", acl: "ann\tlrs\t" },
    "no type, as before Cyrus 2.1",
  ],
  ["user.a\t0 default ann\tlrs\t", { server: "", partition: "default", state: "active" }, "a mailbox of its own"],
  ["user.a\t0 default", { acl: "" }, "no ACL"],
  ["user.a\t1 be2.lab!default ann\tlrs\t", { server: "be2.lab", partition: "default" }, "a mailbox elsewhere"],
  [
    "user.a\t1 be2.lab ann\tlrs\t",
    { server: "be2.lab", partition: "" },
    "elsewhere, before there were partitions in it",
  ],
  [
    "user.a\t16 be2.lab!default ann\tlrs\t",
    { server: "be2.lab", state: "active" },
    "elsewhere, by the bits of Cyrus 3",
  ],
  ["user.a\t2 default ", { state: "reserved" }, "reserved"],
  ["user.a\t8 be2.lab!default ann\tlrs\t", { state: "moving", server: "be2.lab" }, "on its way"],
] as const)("readDump() reads the text line %j (%#)", (line, expected, _meaning) => {
  expect(readDump(`${line}\n`)).toMatchObject({ form: "text", problems: [], mailboxes: [{ entry: expected }] });
});

test("readDump() passes over tombstones and names that only have mailboxes below them", () => {
  const text = '{"a": {"mbtype": "ed", "uniqueid": "aaaa"}, "b": {"mbtype": "ei"}}';
  expect(readDump(text)).toMatchObject({ mailboxes: [], problems: [], passedOver: [{ name: "a" }, { name: "b" }] });
  expect(readDump("user.a\t16 default \n").passedOver).toMatchObject([{ name: "user.a", why: "is a tombstone" }]);
});

test("readDump() tells a mailbox that is none of mail from one that is", () => {
  expect(readDump(with_({ mbtype: "c" })).mailboxes).toMatchObject([{ foreignType: "c" }]);
  expect(readDump(with_({ mbtype: "" })).mailboxes).toMatchObject([{ foreignType: "" }]);
});

test.each([
  [with_({ uniqueid: "../../etc" }), '2: user.ann: has a uniqueid that is none, "../../etc"'],
  [with_({ uniqueid: 7 }), "2: user.ann: uniqueid is no string"],
  [with_({ acl: { ann: "lrq" } }), '2: user.ann: gives "ann" what are no rights, "lrq"'],
  [with_({ acl: { "a\tb": "lr" } }), '2: user.ann: has an identifier in its ACL that is none, "a\\tb"'],
  [with_({ acl: "ann lrs" }), "2: user.ann: acl is no JSON object"],
  [with_({ uidvalidity: "4294967296" }), "2: user.ann: uidvalidity is no number of 32 bits"],
  [with_({ name: "user.eve" }), '2: user.ann: has another name inside, "user.eve"'],
  [with_({ mbtype: "er" }), "2: user.ann: is of another server and has no server"],
  [with_({ partition: "" }), "2: user.ann: has no partition"],
  [with_({ server: "a b" }), "2: user.ann: has blanks in its server or partition"],
  ['{"a..b": {"partition": "default"}}', "1: a..b: is no mailbox name"],
  ['{"a&b": {"partition": "default"}}', "1: a&b: is no mailbox name"],
  ['{\n"a": 5\n}', "2: a: is no JSON object"],
  ['{"a": {"partition": "p"},\n"a": {"partition": "p"}}', "2: a: is in line 1 already"],
  [
    '{"a": {"partition": "p"},\n\n"b": {"partition": "p"\n',
    '3: : The end of this is missing at "{\\"partition\\": \\"p\\""',
  ],
  ['{"a": {"partition": "p"},\n b: {}}', '2: : A string expected at "b: {}}"'],
  ['{"a": {"partition": "p"}\n"b": {}}', '2: : "}" expected at "\\"b\\": {}}"'],
  ["{} x", '1: : Nothing expected after the closing brace at "x"'],
  ["", "1: : There is no dump"],
  ["user.a\t0 default ann\t", '1: user.a: has no rights for "ann" in its ACL'],
  ["user.a 0 default", '1: : Not a line of a dump: "user.a 0 default"'],
])("readDump() says what is wrong in %j", (text, problem) => {
  expect(problemsOf(text)).toEqual([problem]);
});

test("readDump() tells of all mailboxes that are wrong, not only of the first", () => {
  const names: readonly string[] = ["a..b", "good", "c..d"];
  const text = `{\n${names.map((name) => `"${name}": {"partition": "default"}`).join(",\n")}\n}`;
  expect(problemsOf(text)).toEqual(["2: a..b: is no mailbox name", "4: c..d: is no mailbox name"]);
  expect(entriesOf(text).map(({ name }): MailboxName => name)).toEqual([requireMailboxName("good")]);
});

test("readDump() of anything is an answer, and a dump with a piece cut out is never taken for whole", () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => expect(readDump(text)).toBeDefined()));
  fc.assert(fc.property(fc.json(), (text) => expect(readDump(text)).toBeDefined()));
  const whole = json([ann, remote]);
  const cut = fc.tuple(fc.nat(whole.length - 2), fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(cut, ([at, length]) => {
      const { problems, mailboxes } = readDump(whole.slice(0, at) + whole.slice(at + length));
      // What is cut out inside of a value may leave another value; what ends early never is whole.
      expect(problems.length > 0 || mailboxes.length > 0).toBe(true);
      if (at + length >= whole.length - 1) expect(problems.length).toBeGreaterThan(0);
    }),
  );
});
