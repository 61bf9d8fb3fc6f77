// MailboxList.changeMany(): thousands of edits in one transaction that holds nobody up (S134: all or none).

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { type Acl, parseDefaultAcl } from "../../lib/mailbox/acl.ts";
import type { ListEdit, MailboxEntry, MailboxList, UniqueId } from "../../lib/mailbox/list.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-many-"));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const mailboxes = 2_000;
const acl: Acl = parseDefaultAcl("ann lrswi bob lr");

function entry(text: string): MailboxEntry {
  const uniqueId = `id-${text}` as UniqueId;
  return { name: name(text), uniqueId, server: "", partition: "default", acl, state: "active", uidValidity: 1 };
}

async function filledList(): Promise<{ readonly list: MailboxList; readonly path: string }> {
  const path = join(folder, `${++count}`, "mailboxes.db");
  const list = openMailboxList({ path, clock: systemClock });
  await list.change(Array.from({ length: mailboxes }, (_, at) => ({ insert: entry(`user.ann.f${at}`) })));
  await list.setComplete(true);
  return { list, path };
}

function renaming(list: MailboxList): ListEdit[] {
  return [...list.descendants(name("user.ann"))].flatMap((before) => [
    { expect: before.name, uniqueId: before.uniqueId },
    { remove: before.name },
    { insert: { ...before, name: name(before.name.replace("user.ann", "user.eve")) } },
  ]);
}

test("others have turns while it runs, and read the list as it was", async () => {
  const { list } = await filledList();
  let isOver = false;
  const change = list.changeMany(renaming(list), []).finally(() => {
    isOver = true;
  });
  const seen = new Set<string>();
  let turns = 0;
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
    const old = [...list.grantedTo(["bob"], "user.ann.")].length;
    const changed = [...list.grantedTo(["bob"], "user.eve.")].length;
    seen.add(`${old} ${changed}`);
  }
  await change;
  expect(turns).toBeGreaterThan(5);
  expect([...seen].filter((each) => each !== `${mailboxes} 0` && each !== `0 ${mailboxes}`)).toEqual([]);
  expect([list.size, [...list.descendants(name("user.eve"))].length]).toEqual([mailboxes, mailboxes]);
  expect(list.changesSince(mailboxes)).toHaveLength(2 * mailboxes);
  list.close();
});

test("other changes wait for its end, and all are there", async () => {
  const { list } = await filledList();
  const edits = renaming(list);
  const many = list.changeMany(edits, []);
  const others = Array.from({ length: 50 }, (_, at) => list.change([{ insert: entry(`user.b${at}`) }]));
  await Promise.all([many, ...others]);
  expect(list.size).toBe(mailboxes + others.length);
  list.close();
});

test("one refused edit undoes everything, the journal's too", async () => {
  const { list } = await filledList();
  await list.change([{ insert: entry("user.eve.f77") }]);
  const work = { kind: "acl", step: "announce", acl } as const;
  const journal = [{ write: { name: name("user.ann"), worker: "", work } }];
  const before = [list.sequence, list.size];
  await expect(list.changeMany(renaming(list), journal)).rejects.toMatchObject({ code: "ALREADYEXISTS" });
  expect([list.sequence, list.size]).toEqual(before as [number, number]);
  expect([...list.descendants(name("user.eve"))].map((each) => each.name as string)).toEqual(["user.eve.f77"]);
  expect(list.journal()).toEqual([]);
  await list.change([{ insert: entry("user.bob") }]); // nobody holds the database
  list.close();
});

test("it leaves no open file behind", async () => {
  const { list, path } = await filledList();
  const before = descriptorsOf(path);
  await list.changeMany(renaming(list), []);
  await list.changeMany(renaming(list), []);
  // One more is the log's own, for syncs; those of a checkpoint that runs just now will go.
  while (descriptorsOf(path) > before + 1) await new Promise((resolve) => setImmediate(resolve));
  list.close();
});

function descriptorsOf(path: string): number {
  return readdirSync("/proc/self/fd").filter((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`).startsWith(path);
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}
