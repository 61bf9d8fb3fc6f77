// What a search answers, against a model of a few lines: the options of RETURN tell the same results, whatever was asked for
// together (RFC 4731, RFC 5182, RFC 9394).

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readProgram } from "../../lib/imap/parse/search.ts";
import type { SearchReturn } from "../../lib/imap/parse/search-return.ts";
import { readReturn } from "../../lib/imap/parse/search-return.ts";
import { chosen, esearchResponse, searchResponse } from "../../lib/imap/search/answer.ts";
import { evaluate } from "../../lib/imap/search/evaluate.ts";
import { unselected } from "../../lib/imap/search/searched.ts";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { Reader } from "../../lib/wire/reader.ts";
import { SequenceSet } from "../../lib/wire/sequence-set.ts";
import { entry, loggedIn } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

function returnOf(options: string): SearchReturn {
  return readReturn(new Reader({ texts: [`RETURN (${options}) ALL`], literals: [] }))!;
}

function responseTo(options: string, numbers: readonly number[], modSeqs?: readonly number[]): string {
  const results = {
    length: numbers.length,
    at: (index: number) => numbers[index]!,
    modSeqAt: modSeqs && ((index: number) => modSeqs[index]!),
  };
  return [...esearchResponse('TAG "a"', true, results, returnOf(options))].join("");
}

/** "MIN 2 ALL 2:4 PARTIAL (1:2 2:3)" as names and texts. */
function parsed(response: string): Map<string, string> {
  const [, rest = ""] = /^\* ESEARCH \(TAG "a"\) UID(.*)\r\n$/.exec(response) ?? [];
  return new Map([...rest.matchAll(/([A-Z]+) (\([^)]*\)|[^ ]+)/g)].map((match) => [match[1]!, match[2]!]));
}

const numbers = fc
  .uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 200 })
  .map((all) => all.sort((a, b) => a - b));

const options = fc.uniqueArray(fc.constantFrom("MIN", "MAX", "COUNT", "ALL", "SAVE"), { minLength: 1 });
const partial = fc
  .tuple(fc.integer({ min: 1, max: 250 }), fc.integer({ min: 1, max: 250 }), fc.boolean())
  .map(([a, b, isFromEnd]) => ({ a, b, isFromEnd, text: isFromEnd ? `-${a}:-${b}` : `${a}:${b}` }));

/** The results that PARTIAL asks for (RFC 9394 §3.1). */
function partOf(all: readonly number[], { a, b, isFromEnd }: { a: number; b: number; isFromEnd: boolean }): number[] {
  const from = Math.min(a, b) - 1;
  const to = Math.max(a, b);
  return isFromEnd ? [...all].reverse().slice(from, to).reverse() : all.slice(from, to);
}

function setOf(text: string | undefined): number[] {
  return text === undefined || text === "NIL" ? [] : [...SequenceSet.parse(text)!.resolve(300)];
}

test("MIN, MAX, COUNT and ALL tell of the same results, and of nothing that was not asked for", () => {
  fc.assert(
    fc.property(numbers, options, (all, asked) => {
      const told = parsed(responseTo(asked.join(" "), all));
      const isSaveOnly = asked.every((option) => option === "SAVE");
      expect(told.get("COUNT")).toBe(asked.includes("COUNT") ? String(all.length) : undefined);
      expect(told.get("MIN")).toBe(asked.includes("MIN") ? all[0]?.toString() : undefined);
      expect(told.get("MAX")).toBe(asked.includes("MAX") ? all.at(-1)?.toString() : undefined);
      expect(setOf(told.get("ALL"))).toEqual(asked.includes("ALL") ? all : []);
      expect(responseTo(asked.join(" "), all) === "").toBe(isSaveOnly);
    }),
  );
});

test("PARTIAL gives its part of the results, in order", () => {
  fc.assert(
    fc.property(numbers, partial, (all, range) => {
      const told = parsed(responseTo(`COUNT PARTIAL ${range.text}`, all));
      const [asked, set] = told.get("PARTIAL")!.slice(1, -1).split(" ");
      expect(asked).toBe(range.text);
      expect(setOf(set)).toEqual(partOf(all, range));
      expect(set === "NIL").toBe(partOf(all, range).length === 0);
      expect(told.get("COUNT")).toBe(String(all.length));
    }),
  );
});

test("SAVE keeps all results, or those that MIN, MAX and PARTIAL tell; MODSEQ is the highest of them", () => {
  fc.assert(
    fc.property(numbers, options, fc.option(partial), (all, asked, range) => {
      fc.pre(!(range && asked.includes("ALL")));
      const text = [...asked, ...(range ? [`PARTIAL ${range.text}`] : [])].join(" ");
      const model = new Set<number>();
      const isPart = range || asked.includes("MIN") || asked.includes("MAX");
      if (!isPart || asked.includes("ALL") || asked.includes("COUNT")) for (const number of all) model.add(number);
      if (asked.includes("MIN") && all.length > 0) model.add(all[0]!);
      if (asked.includes("MAX") && all.length > 0) model.add(all.at(-1)!);
      if (range) for (const number of partOf(all, range)) model.add(number);
      const kept = chosen(returnOf(text), all.length).flatMap(({ from, to }) => all.slice(from, to));
      expect(kept).toEqual([...model].sort((a, b) => a - b));
      const modSeqs = all.map((number) => (number * 7919) % 1009);
      const response = responseTo(text, all, modSeqs);
      const highest = Math.max(0, ...kept.map((number) => modSeqs[all.indexOf(number)]!));
      if (response !== "") expect(parsed(response).get("MODSEQ")).toBe(highest > 0 ? String(highest) : undefined);
    }),
  );
});

test("SEARCH tells every result", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), (length) => {
      const text = [...searchResponse({ length, at: (index) => index + 1, modSeqAt: undefined })].join("");
      expect(text).toBe(`${["* SEARCH", ...Array.from({ length }, (_, at) => at + 1)].join(" ")}\r\n`);
    }),
    { numRuns: 10 },
  );
});

const flagNames = ["\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Seen"] as const;
const bits = [SystemFlags.answered, SystemFlags.flagged, SystemFlags.deleted, SystemFlags.draft, SystemFlags.seen];

/** A search key, and which messages of the model it matches. */
interface Key {
  readonly text: string;
  matches(message: Message, messages: readonly Message[]): boolean;
}

interface Message {
  readonly uid: number;
  readonly number: number;
  readonly flags: number;
  readonly subject: string;
}

function keyOf(text: string, matches: Key["matches"]): Key {
  return { text, matches };
}

const leaf: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom(...flagNames.keys()).map((at) => ({
    text: flagNames[at]!.slice(1).toUpperCase(),
    matches: ({ flags }: Message) => (flags & bits[at]!) !== 0,
  })),
  fc.constantFrom("a", "b", "ab").map((part) => ({
    text: `SUBJECT ${part}`,
    matches: ({ subject }: Message) => subject.includes(part),
  })),
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).map(([a, b]) => ({
    text: `UID ${a}:${b}`,
    matches: ({ uid }: Message) => uid >= Math.min(a, b) && uid <= Math.max(a, b),
  })),
  fc.integer({ min: 1, max: 12 }).map((from) => ({
    text: `${from}:*`,
    matches: ({ number }: Message, { length }: readonly Message[]) =>
      number >= Math.min(from, length) && number <= Math.max(from, length),
  })),
);

const key: fc.Arbitrary<Key> = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    tie("key").map((inner) => keyOf(`NOT ${inner.text}`, (...args) => !inner.matches(...args))),
    fc
      .tuple(tie("key"), tie("key"))
      .map(([one, two]) =>
        keyOf(`OR ${one.text} ${two.text}`, (...args) => one.matches(...args) || two.matches(...args)),
      ),
    fc
      .tuple(tie("key"), tie("key"))
      .map(([one, two]) =>
        keyOf(`(${one.text} ${two.text})`, (...args) => one.matches(...args) && two.matches(...args)),
      ),
  ),
})).key;

const inbox = "user.ann";

/** ten messages, the third and the seventh expunged. */
async function filled(seeds: readonly { flags: number; subject: string }[]) {
  const world = await MailWorld.of([entry(inbox, "ann lrswipkxtea"), entry("user.ann.other", "ann lrswipkxtea")]);
  for (const { flags, subject } of seeds) await world.deliver(inbox, [mail(subject)], flags);
  await world.expunge(inbox, [3, 7]);
  const messages = seeds
    .map(({ flags, subject }, at) => ({ uid: at + 1, flags, subject }))
    .filter(({ uid }) => uid !== 3 && uid !== 7)
    .map((message, at) => ({ ...message, number: at + 1 }));
  return { world, messages };
}

describe("against a model of the mailbox", () => {
  test("SEARCH, UID SEARCH, ESEARCH and what they save find the same messages", async () => {
    const seed = fc.record({ flags: fc.integer({ min: 0, max: 31 }), subject: fc.constantFrom("a", "b", "ab", "c") });
    await fc.assert(
      fc.asyncProperty(
        fc.array(seed, { minLength: 10, maxLength: 10 }),
        fc.array(key, { minLength: 1, maxLength: 6 }),
        async (seeds, keys) => {
          const { world, messages } = await filled(seeds);
          const client = loggedIn(world.server, "ann");
          const other = loggedIn(world.server, "ann");
          await client.command("SELECT INBOX");
          await other.command("SELECT INBOX.other");
          for (const { text, matches } of keys) {
            const found = messages.filter((message) => matches(message, messages));
            const uids = found.map(({ uid }) => uid);
            const byNumber = (await client.command(`SEARCH ${text}`))[0];
            expect(byNumber).toBe(["* SEARCH", ...found.map(({ number }) => number)].join(" "));
            const [extended = ""] = await client.command(`UID SEARCH RETURN (ALL COUNT SAVE) ${text}`);
            expect(extended).toContain(` COUNT ${uids.length}`);
            expect(setOf(/ ALL (\S+)/.exec(extended)?.[1])).toEqual(uids);
            expect((await client.command("UID SEARCH $"))[0]).toBe(["* SEARCH", ...uids].join(" "));
            for (const ends of ["MIN", "MAX", "MIN MAX", "SAVE MAX MIN"]) {
              const [told = "", ...more] = await client.command(`UID SEARCH RETURN (${ends}) ${text}`);
              expect(more.length).toBe(1);
              expect(/ MIN (\d+)/.exec(told)?.[1]).toBe(ends.includes("MIN") ? uids[0]?.toString() : undefined);
              expect(/ MAX (\d+)/.exec(told)?.[1]).toBe(ends.includes("MAX") ? uids.at(-1)?.toString() : undefined);
            }
            const ends = uids.length > 1 ? [uids[0], uids.at(-1)] : uids;
            expect((await client.command("UID SEARCH $"))[0]).toBe(["* SEARCH", ...ends].join(" "));
            for (const [asker, source] of [
              [client, "selected"],
              [other, "mailboxes INBOX"],
            ] as const) {
              const answers = await asker.command(`ESEARCH IN (${source}) RETURN (ALL) ${text}`);
              expect(answers.length).toBe(uids.length > 0 ? 2 : 1);
              expect(setOf(/ ALL (\S+)/.exec(answers.at(-2) ?? "")?.[1])).toEqual(uids);
            }
          }
          client.close();
          other.close();
        },
      ),
      { numRuns: 20 },
    );
  }, 60_000);
});

test("MIN and MAX alone look no further than they must, over any number of messages", async () => {
  const world = await MailWorld.of([entry(inbox, "ann lrswipkxtea")]);
  await world.deliver(
    inbox,
    Array.from({ length: 600 }, (_, at) => mail(`m${at + 1}`)),
  );
  await world.flag(inbox, [2, 256, 257, 513], SystemFlags.flagged);
  await world.expunge(inbox, [1, 100, 600]);
  const client = loggedIn(world.server, "ann");
  await client.command("SELECT INBOX");
  const told = async (search: string) =>
    (await client.command(`UID SEARCH RETURN ${search}`))[0]!.replace(/.* UID/, "");
  expect(await told("(MIN MAX) FLAGGED")).toBe(" MIN 2 MAX 513");
  expect(await told("(MAX) FLAGGED UID 1:256")).toBe(" MAX 256");
  expect(await told("(MIN) FLAGGED UID 3:*")).toBe(" MIN 256");
  expect(await told("(MIN MAX) UID 99:101,255:258 UNFLAGGED")).toBe(" MIN 99 MAX 258");
  expect(await told("(MIN MAX) ALL")).toBe(" MIN 2 MAX 599");
  expect(await told("(MIN MAX) FLAGGED UID 258:512")).toBe("");
  const opened: number[] = [];
  const mailbox = await world.mailbox(inbox);
  const { body } = mailbox;
  mailbox.body = (uid) => {
    opened.push(uid);
    return body.call(mailbox, uid);
  };
  const searched = unselected(mailbox);
  const subject = readProgram(new Reader({ texts: ["SUBJECT m"], literals: [] }));
  expect((await evaluate(client.session, searched, subject, returnOf("MIN MAX"))).indexes).toEqual([0, 596]);
  expect(opened).toEqual([2, 599]);
}, 60_000);
