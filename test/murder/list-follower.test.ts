// A list follows a stream: what is applied, and where in the master's feed that leads to.

import { expect, test } from "bun:test";
import { silentLog } from "../../lib/base/log.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { entryOf } from "../../lib/mupdate/record.ts";
import { ListFollower } from "../../lib/murder/list-follower.ts";
import { active } from "../support/mupdate-world.ts";

const ann = active("user.ann", "be1!default", "ann\tlrs\t");
const place = (sequence: number) => ({ feed: "F", sequence, ownServer: "fe.lab" });

/** A list at the place numbered 5, and a follower of it. */
async function followerOf(position: number | undefined, feed = "F") {
  const list = new MemoryMailboxList();
  await list.setComplete(true);
  if (position !== undefined) await list.change([], [], { set: { ...place(position), feed } });
  const reached: number[] = [];
  const faults: unknown[] = [];
  const follower = new ListFollower(
    {
      list,
      ownServer: "fe.lab",
      feed: "F",
      keepsWhatIsMissing: true,
      log: silentLog,
      isOpen: () => true,
      failed: (fault) => faults.push(fault),
      reached: (sequence) => reached.push(sequence),
    },
    position === undefined ? undefined : { ...place(position), feed },
  );
  return { list, follower, reached, faults };
}

test("what comes before the first mark is applied at the place where the list was", async () => {
  const { list, follower, reached } = await followerOf(5);
  follower.record(ann);
  await follower.applied();
  expect(list.find(ann.name)).toEqual(entryOf(ann));
  expect(list.followed).toEqual(place(5));
  follower.mark(9);
  await follower.complete();
  expect(list.followed).toEqual(place(9));
  expect(reached).toEqual([9]);
});

test("a place in an earlier era of the feed is kept until the first mark of the new one", async () => {
  const { list, follower } = await followerOf(5, "E");
  follower.record(ann);
  await follower.applied();
  expect(list.followed).toEqual({ ...place(5), feed: "E" });
  follower.mark(6);
  await follower.applied();
  expect(list.followed).toEqual(place(6));
});

test("a mark that is no news in number still is one of the new era", async () => {
  const { list, follower, reached } = await followerOf(5, "E");
  follower.mark(5);
  await follower.applied();
  expect(list.followed).toEqual(place(5));
  expect(reached).toEqual([5]);
});

test("a mark moves the place only with the last change before it", async () => {
  const { list, follower } = await followerOf(5);
  const places: (number | undefined)[] = [];
  list.watch(() => places.push(list.followed?.sequence));
  for (let index = 0; index < 1200; index += 1) follower.record(active(`user.u${index}`, "be1!default"));
  follower.mark(1205);
  await follower.applied();
  expect(places).toEqual([5, 5, 1205]); // in three transactions
});

test("a whole list has no place until all of it is there", async () => {
  const { list, follower, reached } = await followerOf(undefined);
  await list.change([], [], { set: { ...place(3), feed: "another" } });
  follower.record(ann);
  follower.mark(7);
  await follower.applied();
  expect(list.find(ann.name)).toBeUndefined();
  const places: (number | undefined)[] = [];
  list.watch(() => places.push(list.followed?.sequence));
  await follower.complete();
  expect(places).toEqual([undefined]);
  expect(list.followed).toEqual(place(7));
  expect(reached).toEqual([7]);
});

test("a list that cannot be written is left as it is, place included", async () => {
  const { list, follower, faults, reached } = await followerOf(5);
  list.change = async () => Promise.reject(new Error("disk full"));
  follower.record(ann);
  follower.mark(6);
  await follower.applied();
  expect(faults).toEqual([new Error("disk full")]);
  follower.mark(7); // nothing more is tried
  await follower.applied();
  expect(faults).toHaveLength(1);
  expect(reached).toEqual([]);
  expect(list.followed).toEqual(place(5));
});

async function lackingMaster() {
  const world = await followerOf(undefined);
  const records = Array.from({ length: 30 }, (_, each) => active(`user.u${each}`, "be1!default"));
  await world.list.change(records.map((record) => ({ put: entryOf(record) })));
  world.follower.record(ann);
  world.follower.mark(1);
  await world.follower.complete();
  return { ...world, records };
}

test("a whole list that lacks most of what is here removes nothing, until the master has named it all again", async () => {
  const { list, follower, records } = await lackingMaster();
  expect([list.size, follower.withholds, list.followed]).toEqual([31, true, undefined]);
  for (const record of records.slice(1)) follower.record(record);
  follower.mark(30);
  await follower.applied();
  expect([follower.withholds, list.followed]).toEqual([true, undefined]);
  follower.record(records[0]!);
  follower.mark(31);
  await follower.applied();
  expect([follower.withholds, list.followed, list.size]).toEqual([false, place(31), 31]);
});

test("names that the master does not name again go when they are released", async () => {
  const { list, follower, records } = await lackingMaster();
  follower.record(records[0]!);
  follower.mark(2);
  await follower.applied();
  follower.release();
  await follower.applied();
  expect(Array.from(list.entries(), ({ name }) => name)).toEqual([ann.name, records[0]!.name]);
  expect([follower.withholds, list.followed]).toEqual([false, place(2)]);
});
