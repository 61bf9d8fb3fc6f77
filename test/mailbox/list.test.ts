// One suite for every MailboxList: what list.ts promises.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../lib/base/clock.ts";
import type { Acl } from "../../lib/mailbox/acl.ts";
import type { JournalRecord } from "../../lib/mailbox/journal.ts";
import type { ListEdit, MailboxEntry, MailboxList, UniqueId } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-list-"));
let count = 0;
const newPath = () => join(folder, `${++count}`, "mailboxes.db");
afterAll(() => rmSync(folder, { recursive: true }));

const implementations: readonly [string, () => MailboxList][] = [
  ["MemoryMailboxList", () => new MemoryMailboxList()],
  ["openMailboxList()", () => openMailboxList({ path: newPath(), clock: systemClock })],
];

function entry(text: string, more: Partial<MailboxEntry> = {}): MailboxEntry {
  return {
    name: name(text),
    uniqueId: `id-${text}` as UniqueId,
    server: "",
    partition: "default",
    acl: "anyone\tlrs\t" as Acl,
    state: "active",
    uidValidity: 1,
    ...more,
  };
}
const put = (text: string, more?: Partial<MailboxEntry>): ListEdit => ({ put: entry(text, more) });
const namesOf = (entries: Iterable<MailboxEntry>) => [...entries].map((each) => each.name as string);

for (const [title, create] of implementations) {
  describe(`${title}`, () => {
    test("finds entries by name and by unique id", async () => {
      const list = create();
      await list.change([put("a"), put("b", { uniqueId: "" as UniqueId })]);
      expect(list.find(name("a"))).toEqual(entry("a"));
      expect(list.find(name("c"))).toBeUndefined();
      expect(list.findById("id-a" as UniqueId)?.name).toBe(name("a"));
      expect(list.findById("" as UniqueId)).toBeUndefined();
      expect(list.size).toBe(2);
    });

    test("keeps byte order, and what is below a name apart from its neighbours", async () => {
      const list = create();
      await list.change(["a.b", "a", "a-b", "ab", "a.b.c", "a b"].map((each) => put(each)));
      expect(namesOf(list.entries())).toEqual(["a", "a b", "a-b", "a.b", "a.b.c", "ab"]);
      expect(namesOf(list.descendants(name("a")))).toEqual(["a.b", "a.b.c"]);
      expect(namesOf(list.entries("a."))).toEqual(["a.b", "a.b.c"]);
      expect([list.hasDescendants(name("a.b")), list.hasDescendants(name("ab"))]).toEqual([true, false]);
    });

    test("gives what identifiers are granted, merged in order, each once", async () => {
      const list = create();
      const acl = (text: string) => ({ acl: text.replaceAll(" ", "\t") as Acl });
      await list.change([
        put("a", acl("ann lr ")),
        put("b", acl("anyone l ann r ")),
        put("c", acl("bob lr ")),
        put("d", acl("-ann lr ")),
        put("e.x", acl("group:g l ")),
      ]);
      expect(namesOf(list.grantedTo(["ann", "anyone", "group:g"]))).toEqual(["a", "b", "e.x"]);
      expect(namesOf(list.grantedTo(["ann", "group:g"], "e."))).toEqual(["e.x"]);
      await list.change([put("a", acl("bob lr ")), { remove: name("b") }]);
      expect(namesOf(list.grantedTo(["ann", "anyone"]))).toEqual([]);
      expect(namesOf(list.grantedTo(["bob"]))).toEqual(["a", "c"]);
    });

    test("begins a walk at any name, and finds nothing behind its prefix", async () => {
      const list = create();
      const acl = (text: string) => ({ acl: text.replaceAll(" ", "\t") as Acl });
      await list.change([put("a.b"), put("a.c", acl("bob p ")), put("a.d", acl("bob l ")), put("b", acl("bob l "))]);
      expect(namesOf(list.entries("a.", "a.c"))).toEqual(["a.c", "a.d"]);
      expect(namesOf(list.entries("a.", "a/"))).toEqual([]);
      expect(namesOf(list.entries("", "a.bb"))).toEqual(["a.c", "a.d", "b"]);
      expect(namesOf(list.grantedTo(["anyone", "bob"], "", "a.c"))).toEqual(["a.d", "b"]);
      expect(namesOf(list.grantedTo(["bob"], "a.", "b"))).toEqual([]);
    });

    test("applies all edits of a change or none", async () => {
      const list = create();
      await list.change([put("a")]);
      const sequence = list.sequence;
      await expect(list.change([put("b"), { insert: entry("a") }])).rejects.toMatchObject({ code: "ALREADYEXISTS" });
      const other = "other" as UniqueId;
      await expect(list.change([put("b"), { expect: name("a"), uniqueId: other }])).rejects.toMatchObject({
        code: "INUSE",
      });
      expect([namesOf(list.entries()), list.size, list.sequence]).toEqual([["a"], 1, sequence]);
      await list.change([
        { expect: name("a"), uniqueId: "id-a" as UniqueId },
        { remove: name("a") },
        { insert: entry("b") },
      ]);
      expect(namesOf(list.entries())).toEqual(["b"]);
    });

    test("carries the journal in the same transaction", async () => {
      const list = create();
      const record: JournalRecord = {
        name: name("a"),
        worker: "w",
        work: { kind: "create", step: "reserve", uniqueId: "id-a" as UniqueId, partition: "default" },
      };
      await list.change([], [{ begin: record }]);
      expect(list.journal()).toEqual([record]);
      await expect(list.change([put("x")], [{ begin: record }])).rejects.toMatchObject({ code: "INUSE" });
      expect(list.find(name("x"))).toBeUndefined();
      await expect(list.change([put("x"), { insert: entry("x") }], [{ clear: name("a") }])).rejects.toThrow();
      expect(list.journal()).toEqual([record]);
      await list.change([put("a")], [{ write: { ...record, worker: "" } }]);
      expect(list.journal()).toEqual([{ ...record, worker: "" }]);
      const taken = { ...record, worker: "other" };
      await list.change([], [{ take: taken, from: "" }]);
      expect(list.journal()).toEqual([taken]);
      await expect(list.change([], [{ take: record, from: "" }])).rejects.toMatchObject({ code: "INUSE" });
      expect(list.journal()).toEqual([taken]);
      await list.change([], [{ clear: name("a") }]);
      expect(list.journal()).toEqual([]);
      await expect(list.change([], [{ take: record, from: "" }])).rejects.toMatchObject({ code: "INUSE" });
    });

    test("numbers changes, and tells the latest state of each name since", async () => {
      const list = create();
      await list.change([put("a"), put("b")]);
      const start = list.sequence;
      await list.change([put("c")]);
      await list.change([{ remove: name("a") }, put("c", { state: "reserved" })]);
      await list.change([put("b"), { remove: name("nothing") }]);
      const changes = list.changesSince(start)!;
      expect(changes.map((each) => [each.name as string, each.entry?.state])).toEqual([
        ["a", undefined],
        ["c", "reserved"],
      ]);
      expect(changes.at(-1)?.sequence).toBe(list.sequence);
      expect(list.changesSince(list.sequence)).toEqual([]);
      expect(list.changesSince(list.sequence + 1)).toBeUndefined();
    });

    test("remembers the highest UIDVALIDITY after the mailbox is gone", async () => {
      const list = create();
      await list.change([put("a", { uidValidity: 77 })]);
      await list.change([{ remove: name("a") }]);
      expect(list.maxUidValidity).toBe(77);
    });

    test("lets a scan be abandoned, and go on across changes", async () => {
      const list = create();
      await list.change(Array.from({ length: 200 }, (_, index) => put(`m${String(index).padStart(3, "0")}`)));
      for (const each of list.entries()) if (each.name === name("m050")) break;
      const seen: string[] = [];
      for (const each of list.entries()) {
        seen.push(each.name);
        if (seen.length === 100) await list.change([{ remove: name("m199") }, put("n")]);
      }
      expect(seen.slice(0, 199)).toEqual(
        Array.from({ length: 199 }, (_, index) => `m${String(index).padStart(3, "0")}`),
      );
    });

    test("wakes those who watch, until they stop", async () => {
      const list = create();
      let calls = 0;
      const stop = list.watch(() => calls++);
      await list.change([put("a")]);
      await list.change([put("a")]); // changes nothing
      stop();
      await list.change([put("b")]);
      expect(calls).toBe(1);
      list.close();
    });

    test("is incomplete until it is told otherwise", async () => {
      const list = create();
      expect(list.isComplete).toBe(false);
      await list.setComplete(true);
      expect(list.isComplete).toBe(true);
    });

    test("a note is set by the one who knows what it was", async () => {
      const list = create();
      expect(list.note("reconciler")).toBeUndefined();
      expect(await list.setNote("reconciler", "1", undefined)).toBe(true);
      expect(await list.setNote("reconciler", "2", undefined)).toBe(false);
      expect(await list.setNote("reconciler", "2", "1")).toBe(true);
      expect([list.note("reconciler"), list.note("other")]).toEqual(["2", undefined]);
      expect(await list.setNote("reconciler", undefined, "2")).toBe(true);
      expect(list.note("reconciler")).toBeUndefined();
    });
  });
}

test("both lists agree after any changes", async () => {
  const someName = fc.stringMatching(/^[ab](\.[ab-]){0,3}$/);
  const someAcl = fc
    .constantFrom("", "ann\tlr\t", "anyone\tl\t-ann\tl\t", "ann\tl\tbob\tl\t")
    .map((text) => text as Acl);
  const edit = fc.oneof(
    fc.record({ each: someName, acl: someAcl }).map(({ each, acl }) => put(each, { acl })),
    someName.map((each): ListEdit => ({ remove: name(each) })),
    someName.map((each): ListEdit => ({ insert: entry(each) })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(edit, { maxLength: 4 }), { maxLength: 6 }), async (changes) => {
      const [memory, sqlite] = implementations.map(([, create]) => create());
      for (const edits of changes) {
        const outcomes = await Promise.all([memory!, sqlite!].map((each) => each.change(edits).then(() => "", String)));
        expect(outcomes[0]).toBe(outcomes[1]!);
      }
      for (const read of [
        (list: MailboxList) => [...list.entries()],
        (list: MailboxList) => [...list.grantedTo(["ann", "anyone"])],
        (list: MailboxList) => [...list.descendants(name("a"))],
        (list: MailboxList) =>
          list
            .changesSince(0)!
            .map((each) => each.name as string)
            .sort(),
        (list: MailboxList) => list.size,
      ]) {
        expect(read(memory!)).toEqual(read(sqlite!) as never);
      }
      sqlite!.close();
    }),
    { numRuns: 25 },
  );
});
