// What is special about the list on disk: several processes, restarts, large changes.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../lib/base/clock.ts";
import type { Acl } from "../../lib/mailbox/acl.ts";
import type { ListEdit, MailboxEntry, UniqueId } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-list-sqlite-"));
let count = 0;
const newPath = () => join(folder, `${++count}`, "mailboxes.db");
const open = (path: string, readOnly = false) => openMailboxList({ path, readOnly, clock: systemClock });
afterAll(() => rmSync(folder, { recursive: true }));

const entry = (text: string): MailboxEntry => ({
  name: name(text),
  uniqueId: "" as UniqueId,
  server: "be1",
  partition: "default",
  acl: "anyone\tl\t" as Acl,
  state: "active",
  uidValidity: 0,
});

const nameOf = (edit: ListEdit) => ("put" in edit ? edit.put.name : "remove" in edit ? edit.remove : "");

/** A program that changes the list at `path` in another process. */
function startWriter(path: string, body: string) {
  const lib = join(import.meta.dir, "../../lib");
  const code = `
    import { openMailboxList } from "${lib}/mailbox/list-sqlite.ts";
    import { systemClock } from "${lib}/base/clock.ts";
    const list = openMailboxList({ path: ${JSON.stringify(path)}, clock: systemClock });
    const entry = (name) => (${JSON.stringify(entry("x"))});
    const put = (name) => ({ put: { ...entry(), name } });
    ${body}`;
  return Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
}

test("what change() resolved is there after kill -9 (S26)", async () => {
  const path = newPath();
  const child = startWriter(path, `for (let i = 0; ; i++) { await list.change([put("m" + i)]); console.log(i); }`);
  let text = "";
  for await (const chunk of child.stdout) {
    text += Buffer.from(chunk).toString();
    if (text.split("\n").length > 30) break;
  }
  child.kill("SIGKILL");
  await child.exited;
  const last = Number(text.slice(0, text.lastIndexOf("\n")).split("\n").pop());
  const list = open(path);
  for (let index = 0; index <= last; index++) expect(list.find(name(`m${index}`))).toBeDefined();
  list.close();
});

test("a change by another process wakes the watcher and is seen", async () => {
  const path = newPath();
  const list = open(path);
  const woken = new Promise<void>((resolve) => list.watch(resolve));
  const child = startWriter(path, `await list.change([put("far")]); list.close();`);
  await woken;
  expect(list.find(name("far"))).toEqual(entry("far"));
  await child.exited;
  list.close();
});

test("several writers take turns without losing a change", async () => {
  const path = newPath();
  const list = open(path);
  const body = (letter: string) =>
    `for (let i = 0; i < 100; i++) await list.change([put("${letter}" + i)]); list.close();`;
  const children = ["a", "b"].map((letter) => startWriter(path, body(letter)));
  for (let index = 0; index < 100; index++) await list.change([{ put: entry(`c${index}`) }]);
  for (const child of children) expect(await child.exited).toBe(0);
  expect([list.size, list.sequence, [...list.entries()].length]).toEqual([300, 300, 300]);
  list.close();
}, 20_000);

test("two processes inserting one name: one wins (S27)", async () => {
  const path = newPath();
  const list = open(path);
  const body = `
    const outcome = await list.change([{ insert: { ...entry(), name: "same" } }]).then(() => "OK", (fault) => fault.code);
    console.log(outcome); list.close();`;
  const children = [startWriter(path, body), startWriter(path, body)];
  const outcomes = await Promise.all(children.map((child) => new Response(child.stdout).text()));
  expect(outcomes.map((text) => text.trim()).sort()).toEqual(["ALREADYEXISTS", "OK"]);
  list.close();
});

test("a large change is not in the feed: readers are told to read anew", async () => {
  const list = open(newPath());
  await list.change([{ put: entry("a") }]);
  await list.change(Array.from({ length: 20_001 }, (_, index) => ({ put: entry(`m${index}`) })));
  expect(list.changesSince(1)).toBeUndefined();
  expect(list.changesSince(list.sequence)).toEqual([]);
  expect(list.size).toBe(20_002);
  list.close();
});

test("a list that is being filled takes new and known names alike, without a feed", async () => {
  const list = open(newPath());
  await list.change([{ put: { ...entry("m7"), acl: "ann\tlrs\t" as Acl } }]);
  const many = Array.from({ length: 200 }, (_, index) => ({
    put: { ...entry(`m${index}`), acl: "bob\tlrs\t" as Acl },
  }));
  await list.change([...many, { remove: name("m9") }]);
  expect(list.size).toBe(199);
  expect(list.changesSince(1)).toBeUndefined();
  expect([...list.grantedTo(["ann"])]).toEqual([]);
  expect([...list.grantedTo(["bob"])].length).toBe(199);
  await list.setComplete(true);
  const { sequence } = list;
  await list.change(many);
  expect(list.changesSince(sequence)?.map((change) => change.name)).toEqual([name("m9")]);
  list.close();
});

test("a list filled by large changes, in any order and over what is there, holds what small changes leave in it", async () => {
  const change = fc.array(
    fc.record({ index: fc.nat(400), acl: fc.constantFrom("ann\tl\t", "bob\tlr\tann\tp\t", "ann\tlr\tbob\tl\t") }),
    { minLength: 101, maxLength: 200 },
  );
  const isSorted = fc.boolean();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(change, isSorted), { minLength: 1, maxLength: 3 }), async (changes) => {
      const [filled, expected] = [open(newPath()), new MemoryMailboxList()];
      for (const [numbers, isSorted] of changes) {
        const edits = numbers.map(({ index, acl }): ListEdit => {
          const each = name(`m${1000 + index}`);
          return index % 50 === 0 ? { remove: each } : { put: { ...entry(each), acl: acl as Acl, uidValidity: index } };
        });
        if (isSorted) edits.sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
        await filled.change(edits);
        await expected.change(edits);
      }
      expect([...filled.entries()]).toEqual([...expected.entries()]);
      for (const who of ["ann", "bob"]) expect([...filled.grantedTo([who])]).toEqual([...expected.grantedTo([who])]);
      expect([filled.size, filled.maxUidValidity]).toEqual([expected.size, expected.maxUidValidity]);
      filled.close();
    }),
    { numRuns: 30 },
  );
});

test("a read-only list refuses changes", async () => {
  const path = newPath();
  open(path).close();
  const list = open(path, true);
  await expect(list.change([{ put: entry("a") }])).rejects.toThrow("reading only");
  list.close();
});
