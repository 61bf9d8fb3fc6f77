// What STATUS tells of a mailbox that is not selected (RFC 5465 §5.1 to §5.3).

import { describe, expect, test } from "bun:test";
import {
  type Counts,
  changedItems,
  emptyCounts,
  formatStatus,
  readStatus,
  snapshotItems,
  updated,
} from "../../../lib/imap/notify/counts.ts";
import { Events } from "../../../lib/imap/notify/event-groups.ts";

const told: Counts = { messages: 3, uidNext: 8, uidValidity: 77, highestModSeq: 20 };
const { messages, flags } = Events;

describe("changedItems() tells of", () => {
  const cases: readonly [string, Partial<Counts>, number, boolean, string][] = [
    ["nothing where nothing changed", {}, messages | flags, true, ""],
    ["a new message", { messages: 4, uidNext: 9, highestModSeq: 21 }, messages, false, "MESSAGES UIDNEXT"],
    ["a removed message", { messages: 2, highestModSeq: 21 }, messages, false, "MESSAGES UIDNEXT"],
    ["mod-sequences to who enabled them", { messages: 2 }, messages, true, "MESSAGES UIDNEXT HIGHESTMODSEQ"],
    ["flags to who wants them", { highestModSeq: 21 }, messages | flags, false, "UIDVALIDITY HIGHESTMODSEQ"],
    ["no flags to others", { highestModSeq: 21 }, messages, true, ""],
    ["another mailbox of the name", { uidValidity: 78 }, messages, false, "MESSAGES UIDNEXT UIDVALIDITY"],
  ];
  test.each(cases)("%s", (_title, change, events, hasModSeqs, items) => {
    expect(changedItems(told, { ...told, ...change }, events, hasModSeqs).join(" ")).toBe(items);
  });

  test("what came into a mailbox before anybody looked at it", () => {
    expect(changedItems(emptyCounts, { ...told, messages: 0, uidNext: 1 }, messages | flags, true)).toEqual([]);
    expect(changedItems(emptyCounts, told, messages, false)).toEqual(["MESSAGES", "UIDNEXT"]);
  });
});

test("snapshotItems() are those that RFC 5465 §3.1 asks for", () => {
  expect(snapshotItems(messages, false)).toEqual(["MESSAGES", "UIDNEXT", "UIDVALIDITY"]);
  expect(snapshotItems(messages | flags, false)).toContain("HIGHESTMODSEQ");
  expect(snapshotItems(messages, true)).toContain("HIGHESTMODSEQ");
});

test("readStatus() reads what formatStatus() writes, and leaves others alone", () => {
  const items = snapshotItems(messages | flags, true);
  const text = formatStatus("a b", told, items);
  expect(text).toBe('STATUS "a b" (MESSAGES 3 UIDNEXT 8 UIDVALIDITY 77 HIGHESTMODSEQ 20)');
  expect(readStatus({ texts: [text], literals: [] })).toEqual({ external: "a b", counts: told });
  expect(readStatus({ texts: ["STATUS INBOX (X-OTHER (1))"], literals: [] })).toBeUndefined();
  expect(readStatus({ texts: ["3 EXISTS"], literals: [] })).toBeUndefined();
});

test("updated() keeps what is not said", () => {
  const some: Counts = { messages: 5, uidNext: undefined, uidValidity: undefined, highestModSeq: undefined };
  expect(updated(told, some)).toEqual({ ...told, messages: 5 });
  expect(updated(undefined, some)).toEqual(some);
});
