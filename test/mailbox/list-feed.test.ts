// Feeds of the mailbox list: which positions it continues, and how far it follows its master. One suite for both lists.

import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { isInHistory } from "../../lib/mailbox/feed.ts";
import type { ListEdit, MailboxList } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { entryOf } from "../../lib/mupdate/record.ts";
import { active } from "../support/mupdate-world.ts";

const folder = mkdtempSync(join(tmpdir(), "list-feed-"));
let count = 0;
const open = (path: string) => openMailboxList({ path, clock: systemClock });
const newPath = () => join(folder, `${++count}`, "mailboxes.db");
afterAll(() => rmSync(folder, { recursive: true }));

const implementations: readonly [string, () => MailboxList][] = [
  ["MemoryMailboxList", () => new MemoryMailboxList()],
  ["openMailboxList()", () => open(newPath())],
];

const foreign = (name: string): ListEdit => ({ put: entryOf(active(name, "be1!default")) });
const own = (name: string): ListEdit => ({ put: { ...entryOf(active(name, "x!default")), server: "" } });
const followed = (sequence: number, feed = "F") => ({ feed, sequence, ownServer: "fe.lab" });

describe.each(implementations)("%s", (_, create) => {
  test("continues positions of its own eras only, up to where each ended", async () => {
    const list = create();
    const first = await list.beginFeed();
    const one = await list.change([foreign("user.a")]);
    const second = await list.beginFeed();
    const two = await list.change([foreign("user.b")]);
    expect(first).not.toBe(second);
    const positions = [
      [first, one, true],
      [first, two, false],
      [second, one, true],
      [second, two, true],
      [second, two + 1, false],
      [second, one - 1, false],
      ["another", one, false],
      ["", 0, false],
    ] as const;
    for (const [feed, sequence, isKnown] of positions) {
      expect([sequence, list.continues({ feed, sequence })]).toEqual([sequence, isKnown]);
    }
  });

  test("tells the names that changed since, however many, while more change", async () => {
    const list = create();
    await list.setComplete(true);
    await list.beginFeed();
    const start = list.sequence;
    for (let at = 0; at < 3000; at += 500) {
      await list.change(Array.from({ length: 500 }, (_, index) => foreign(`user.u${at + index}`)));
    }
    const heard = new Set<string>();
    for (const name of list.namesChangedSince(start)) {
      heard.add(name);
      if (heard.size === 1500) await list.change([foreign("user.new")]);
    }
    expect(heard.has("user.u0") && heard.has("user.u2999")).toBe(true);
    expect(heard.size).toBeGreaterThanOrEqual(3000);
    expect([...list.namesChangedSince(list.sequence)]).toEqual([]);
  });

  test("knows how far it follows its master, and forgets it with any other change of foreign entries", async () => {
    const list = create();
    expect(list.followed).toBeUndefined();
    await list.change([], [], { advance: followed(1), from: "F" });
    expect(list.followed).toBeUndefined(); // there was nothing to go on from
    await list.change([foreign("user.a")], [], { set: followed(7) });
    await list.change([own("user.own")]);
    await list.change([foreign("user.a")]); // nothing new
    expect(list.followed).toEqual(followed(7));
    await list.change([foreign("user.b")], [], { advance: followed(8), from: "F" });
    expect(list.followed).toEqual(followed(8));
    await list.change([{ remove: active("user.b", "x!y").name }]);
    expect(list.followed).toBeUndefined();
    await list.change([foreign("user.c")], [], { advance: followed(9), from: "F" });
    expect(list.followed).toBeUndefined();
  });

  test("advances only along the feed it follows, and can lose its place", async () => {
    const list = create();
    await list.change([], [], { set: followed(7) });
    await list.change([], [], { advance: followed(8, "G"), from: "G" });
    expect(list.followed).toBeUndefined();
    await list.change([], [], { set: followed(7) });
    await list.change([], [], { advance: followed(8, "G"), from: "F" }); // the feed has begun a new era
    expect(list.followed).toEqual(followed(8, "G"));
    await list.change([], [], "lose");
    expect(list.followed).toBeUndefined();
  });

  test("keeps its place when the change it belongs to is refused", async () => {
    const list = create();
    await list.change([foreign("user.a")], [], { set: followed(7) });
    const taken: ListEdit = { insert: entryOf(active("user.a", "be1!default")) };
    expect(await list.change([taken], [], { advance: followed(8), from: "F" }).catch(String)).toContain(
      "already exists",
    );
    expect(list.followed).toEqual(followed(7));
  });
});

test("a list put back from a copy refuses what was reached after the copy was made", async () => {
  const path = newPath();
  const list = open(path);
  const before = await list.beginFeed();
  const common = await list.change([foreign("user.a")]);
  list.close(); // folds the log into the file
  copyFileSync(path, `${path}.copy`);
  const later = open(path);
  const lost = await later.change([foreign("user.b"), foreign("user.c")]);
  later.close();
  copyFileSync(`${path}.copy`, path);
  const restored = open(path);
  const after = await restored.beginFeed();
  await restored.change([foreign("user.x"), foreign("user.y"), foreign("user.z")]);
  expect(restored.continues({ feed: before, sequence: lost })).toBe(false);
  expect(restored.continues({ feed: before, sequence: common })).toBe(true);
  expect(restored.continues({ feed: after, sequence: lost })).toBe(true);
  restored.close();
});

test("where a sole writer finds that another process wrote, nobody's place is known any more", async () => {
  const path = newPath();
  const [writer, other] = [open(path), open(path)];
  const feed = await writer.beginFeed(true);
  const before = await writer.change([foreign("user.a")]);
  expect(writer.continues({ feed, sequence: before })).toBe(true);
  await other.change([foreign("user.b")]);
  expect(writer.continues({ feed, sequence: before })).toBe(true); // what follows it is still told
  const after = await writer.change([foreign("user.c")]);
  for (const sequence of [before, after]) expect(writer.continues({ feed, sequence })).toBe(false);
  const again = await other.beginFeed(true);
  expect(other.continues({ feed: again, sequence: after })).toBe(true);
  writer.close();
  other.close();
});

test("isInHistory() takes an era without a change for the point it is", () => {
  const eras = [
    { feed: "a", first: 0 },
    { feed: "b", first: 5 },
    { feed: "c", first: 5 },
  ];
  const isIn = (feed: string, sequence: number) => isInHistory(eras, 9, { feed, sequence });
  expect([isIn("b", 5), isIn("b", 4), isIn("b", 6), isIn("a", 5), isIn("a", 6)]).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
});
