// What every message store must do, whatever it is made of: mailboxes, messages, copies. Flags and changes are in
// store-conformance-flags.ts. Run by store-memory.test.ts and store-sqlite.test.ts.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { encodeUtf8, latin1 } from "../../lib/base/bytes.ts";
import { No } from "../../lib/base/fault.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import { type Mailbox, type MessageStore, type ModSeq, SystemFlags, type Uid } from "../../lib/mailbox/store.ts";
import {
  change,
  codeOf,
  deliver,
  list,
  messageText,
  newId,
  noFlags,
  stageMessage,
  testPartitions,
} from "./store-fixtures.ts";

/** `openStore` is called for each test and knows `testPartitions`. */
export function conformsAsMessageStore(name: string, openStore: () => Promise<MessageStore>): void {
  let store: MessageStore;
  let id: UniqueId;
  let box: Mailbox;

  beforeEach(async () => {
    store = await openStore();
    id = newId();
    await store.create(id, "default", 77);
    box = await store.open(id, "default");
  });
  afterEach(async () => {
    box.release();
    await store.close();
  });

  const now = () => box.totals().highestModSeq;

  describe(`${name}: mailboxes`, () => {
    test("a new mailbox is empty, with UIDNEXT 1 and a MODSEQ", () => {
      expect(box.totals()).toEqual({
        uidValidity: 77,
        uidNext: 1 as Uid,
        highestModSeq: 1 as ModSeq,
        messages: 0,
        bytes: 0,
        deleted: 0,
      });
      expect(list(box.uids())).toEqual([]);
      expect(box.unseen("ann")).toMatchObject({ count: 0, firstUid: undefined });
      expect(box.uniqueId).toBe(id);
    });

    test("open() refuses a mailbox that is not there as NONEXISTENT", async () => {
      expect(await codeOf(store.open(newId(), "default"))).toBe("NONEXISTENT");
      expect(await codeOf(store.open(id, "slow"))).toBe("NONEXISTENT");
    });

    test("an unknown partition is UNAVAILABLE, never NONEXISTENT", async () => {
      expect(await codeOf(store.open(id, "nowhere"))).toBe("UNAVAILABLE");
      expect(await codeOf(store.create(id, "nowhere", 1))).toBe("UNAVAILABLE");
    });

    test("create() refuses an id that is in use and leaves it alone", async () => {
      await deliver(store, box, ["one"]);
      expect(await codeOf(store.create(id, "default", 99))).toBe("ALREADYEXISTS");
      expect(box.totals()).toMatchObject({ uidValidity: 77, messages: 1 });
    });

    test("list() and exists() know the mailboxes of each partition", async () => {
      const other = newId();
      await store.create(other, "slow", 1);
      expect(list(store.list("default") as Iterable<never>)).toEqual([id as never]);
      expect([...store.list("slow")]).toEqual([other]);
      expect(store.exists(id, "default")).toBe(true);
      expect(store.exists(id, "slow")).toBe(false);
    });

    test("remove() takes the mailbox and all its messages, and finds a missing one fine", async () => {
      await deliver(store, box, ["one"]);
      await store.remove(id, "default");
      await store.remove(id, "default");
      expect(store.exists(id, "default")).toBe(false);
      expect(await codeOf(store.open(id, "default"))).toBe("NONEXISTENT");
    });

    test("a session in a removed mailbox is told NONEXISTENT", async () => {
      await store.remove(id, "default");
      expect(() => box.totals()).toThrow(No);
      expect(() => box.changesSince(1 as ModSeq, "ann")).toThrow(No);
      expect(await codeOf(deliver(store, box, ["late"]))).toBe("NONEXISTENT");
    });

    test("an id may be made again after its removal", async () => {
      await deliver(store, box, ["one"]);
      await store.remove(id, "default");
      await store.create(id, "default", 78);
      box.release();
      box = await store.open(id, "default");
      expect(box.totals()).toMatchObject({ uidValidity: 78, messages: 0 });
    });

    test("lockMaildrop() is exclusive until released (RFC 1939 §3)", async () => {
      const release = await store.lockMaildrop(id, "default");
      expect(await codeOf(store.lockMaildrop(id, "default"))).toBe("INUSE");
      release();
      release();
      const again = await store.lockMaildrop(id, "default");
      expect(await codeOf(store.lockMaildrop(id, "default"))).toBe("INUSE");
      again();
      expect(await codeOf(store.lockMaildrop(newId(), "default"))).toBe("NONEXISTENT");
    });
  });

  describe(`${name}: append`, () => {
    test("append() gives ascending UIDs and keeps flags, date, size and GUID (R37)", async () => {
      const text = messageText("first");
      const staged = await stageMessage(store, text);
      const before = now();
      const flags = { system: SystemFlags.flagged | SystemFlags.seen, keywords: ["$Junk", "Later"] };
      const uids = await box.append([{ staged, flags, internalDateMs: 1_600_000_000_999 }], "ann");
      staged.discard();
      expect(list(uids)).toEqual([1]);
      const [record] = [...box.records(uids, "ann")];
      expect(record).toMatchObject({
        uid: 1 as Uid,
        internalDateMs: 1_600_000_000_000,
        size: text.length,
        guid: new Bun.CryptoHasher("sha1").update(text).digest("hex"),
      });
      expect(record?.flags.system).toBe(flags.system);
      expect([...(record?.flags.keywords ?? [])].sort()).toEqual(["$Junk", "Later"]);
      expect(record!.saveDateMs % 1000).toBe(0);
      expect(record!.modSeq).toBeGreaterThan(before);
      expect(list(await deliver(store, box, ["second", "third"]))).toEqual([2, 3]);
      expect(list(box.uids())).toEqual([1, 2, 3]);
      expect(box.totals()).toMatchObject({ uidNext: 4 as Uid, messages: 3 });
    });

    test("what was described when staging is kept with the message", async () => {
      const [uid] = await deliver(store, box, ["Grüße"]);
      expect(box.structure(uid!)?.envelope).toBe(`(NIL "${latin1(encodeUtf8("Grüße"))}")`);
      expect(box.structure(uid!)?.bodyStructure).toStartWith(`("TEXT"`);
      expect(box.structure(99 as Uid)).toBeUndefined();
    });

    test("one staged message may go to several mailboxes, and survives its discard()", async () => {
      const other = newId();
      await store.create(other, "default", 5);
      const second = await store.open(other, "default");
      const staged = await stageMessage(store, messageText("shared"));
      expect(latin1(staged.read(0, 8))).toBe("Subject:");
      await box.append([{ staged, flags: noFlags, internalDateMs: 0 }], "ann");
      await second.append([{ staged, flags: noFlags, internalDateMs: 0 }], "bob");
      staged.discard();
      expect(latin1(box.body(1 as Uid)!.read(0, 999))).toBe(messageText("shared"));
      expect(latin1(second.body(1 as Uid)!.read(0, 999))).toBe(messageText("shared"));
      second.release();
    });

    test("a refusing admit() leaves everything as it was", async () => {
      const staged = await stageMessage(store, messageText("big"));
      const totals = box.totals();
      const refuse = () => {
        throw new No("OVERQUOTA", "Quota exceeded");
      };
      const message = { staged, flags: { system: 0, keywords: ["Fresh"] }, internalDateMs: 0 };
      expect(await codeOf(box.append([message, message], "ann", refuse))).toBe("OVERQUOTA");
      expect(box.totals()).toEqual(totals);
      expect(box.keywords()).toEqual([]);
      staged.discard();
    });

    test("concurrent appends all arrive, each once, in one ascending row (S45)", async () => {
      const uids = await Promise.all(Array.from({ length: 40 }, (_, i) => deliver(store, box, [`m${i}`, `n${i}`])));
      expect(uids.flat().sort((a, b) => a - b) as number[]).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
      for (const [first, second] of uids) expect(second!).toBeGreaterThan(first!);
      expect(box.totals()).toMatchObject({ messages: 80, uidNext: 81 as Uid });
    });

    test("an empty message and one larger than any buffer are kept byte for byte", async () => {
      const big = new Uint8Array(3_000_000).map((_, i) => (i * 7 + (i >> 9)) & 0xff);
      const staging = await store.stage("default");
      for (let at = 0; at < big.length; at += 100_000) await staging.write(big.subarray(at, at + 100_000));
      const staged = await staging.finish();
      const empty = await stageMessage(store, "");
      await box.append(
        [staged, empty].map((each) => ({ staged: each, flags: noFlags, internalDateMs: 0 })),
        "ann",
      );
      staged.discard();
      empty.discard();
      const body = box.body(1 as Uid)!;
      expect(body.size).toBe(big.length);
      expect(Buffer.compare(body.read(0, big.length), big)).toBe(0);
      expect(Buffer.compare(body.read(1_234_567, 1_234_999), big.subarray(1_234_567, 1_234_999))).toBe(0);
      expect(body.read(big.length - 3, big.length + 100).length).toBe(3);
      expect(body.read(big.length + 1, big.length + 100).length).toBe(0);
      expect(box.body(2 as Uid)!.size).toBe(0);
      expect(box.body(2 as Uid)!.read(0, 10).length).toBe(0);
    });

    test("a message being read survives its expunge", async () => {
      const staged = await stageMessage(store, new Uint8Array(500_000).fill(65));
      await box.append([{ staged, flags: noFlags, internalDateMs: 0 }], "ann");
      const [small] = await deliver(store, box, ["small"]);
      const bodies = [box.body(1 as Uid)!, box.body(small!)!];
      await box.expunge([1 as Uid, small!]);
      expect(bodies[0]!.read(499_999, 500_001)).toEqual(Buffer.from("A"));
      expect(latin1(bodies[1]!.read(0, 14))).toBe("Subject: small");
      expect(box.body(1 as Uid)).toBeUndefined();
    });

    test("a discarded staging leaves nothing", async () => {
      const staging = await store.stage("default");
      await staging.write(encodeUtf8("half a mess"));
      staging.discard();
      expect(box.totals().messages).toBe(0);
    });
  });

  describe(`${name}: records`, () => {
    test("records() gives those that exist, ascending, sparse or dense, and may be left early", async () => {
      const uids = await deliver(
        store,
        box,
        Array.from({ length: 600 }, (_, i) => `m${i}`),
      );
      await box.expunge(uids.filter((uid) => uid % 7 === 0));
      const left = uids.filter((uid) => uid % 7 !== 0);
      expect([...box.records(uids, "ann")].map((each) => each.uid)).toEqual(left);
      const sparse = [9999, 590, 300, 300, 14, 8, 2] as Uid[];
      expect([...box.records(sparse, "ann")].map((each) => each.uid) as number[]).toEqual([2, 8, 300, 590]);
      for (const first of box.records(uids, "ann")) {
        expect(first.uid).toBe(1 as Uid);
        break;
      }
      expect([...box.records([], "ann")]).toEqual([]);
      expect(list(box.uids())).toEqual(list(left));
    });

    test("body() tells the header's size", async () => {
      const [uid] = await deliver(store, box, ["abc"]);
      expect(box.body(uid!)!.headerSize).toBe("Subject: abc\r\n\r\n".length);
    });
  });

  describe(`${name}: expunge and copy`, () => {
    test("expunge() returns what existed, and its UIDs are not given again", async () => {
      const uids = await deliver(store, box, ["a", "b", "c"]);
      expect(await box.expunge([uids[2]!, 99 as Uid, uids[0]!])).toEqual([uids[0]!, uids[2]!]);
      expect(await box.expunge([uids[2]!])).toEqual([]);
      expect(list(box.uids())).toEqual([2]);
      expect(list(await deliver(store, box, ["d"]))).toEqual([4]);
    });

    for (const partition of testPartitions) {
      test(`copyTo() to partition ${partition} keeps flags, dates, bytes and the user's \\Seen`, async () => {
        const target = newId();
        await store.create(target, partition, 9);
        const other = await store.open(target, partition);
        const flags = { system: SystemFlags.seen | SystemFlags.answered, keywords: ["Work"] };
        const uids = await deliver(store, box, ["a", "b", "c"], flags, "ann");
        const [before] = [...box.records([uids[1]!], "ann")];
        expect(await box.copyTo(other, [uids[1]!, 50 as Uid, uids[2]!], "ann")).toEqual({
          source: [uids[1]!, uids[2]!],
          copied: [1, 2] as Uid[],
        });
        const [after] = [...other.records([1 as Uid], "ann")];
        expect(after).toMatchObject({
          flags: before!.flags,
          guid: before!.guid,
          internalDateMs: before!.internalDateMs,
        });
        expect(latin1(other.body(1 as Uid)!.read(0, 999))).toBe(messageText("b"));
        expect(other.structure(1 as Uid)).toEqual(box.structure(uids[1]!)!);
        expect(other.unseen("bob").count).toBe(2);
        await box.expunge(uids);
        expect(latin1(other.body(2 as Uid)!.read(0, 999))).toBe(messageText("c"));
        other.release();
      });
    }

    test("copyTo() into the same mailbox makes new messages", async () => {
      const uids = await deliver(store, box, ["a"]);
      expect(await box.copyTo(box, uids, "ann")).toEqual({ source: uids, copied: [2 as Uid] });
      expect(box.totals().messages).toBe(2);
    });

    test("copyTo() that admit() refuses copies nothing", async () => {
      const target = newId();
      await store.create(target, "default", 9);
      const other = await store.open(target, "default");
      const uids = await deliver(store, box, ["a", "b"]);
      const refuse = () => {
        throw new No("OVERQUOTA", "Quota exceeded");
      };
      expect(await codeOf(box.copyTo(other, uids, "ann", refuse))).toBe("OVERQUOTA");
      expect(other.totals()).toMatchObject({ messages: 0, uidNext: 1 as Uid });
      other.release();
    });

    test("append() of a message moved from the same place gives the one that is there, unless that is gone", async () => {
      const from = { mailbox: "user.bob", uidValidity: 7, uid: 3 };
      const staged = await stageMessage(store, messageText("moved"));
      const message = { staged, flags: noFlags, internalDateMs: 0, from };
      const admitted: number[] = [];
      const admit = (octets: number, messages: number) => void admitted.push(octets, messages);
      const uids = await box.append([message], "ann", admit);
      const fresh = { ...message, from: { ...from, uid: 4 } };
      expect(await box.append([fresh, message], "ann", admit)).toEqual([2 as Uid, uids[0]!]);
      expect(admitted).toEqual([staged.size, 1, staged.size, 1]);
      expect(await box.append([{ ...message, from: { ...from, uidValidity: 8 } }], "ann")).toEqual([3 as Uid]);
      const other = await stageMessage(store, messageText("another"));
      expect(await box.append([{ ...message, staged: other }], "ann")).toEqual([4 as Uid]);
      await box.expunge([2 as Uid]);
      expect(await box.append([fresh], "ann")).toEqual([5 as Uid]);
      expect(box.totals()).toMatchObject({ messages: 4, uidNext: 6 as Uid });
    });

    test("copyTo() of moved messages gives those that are there, and leaves out flags that are not allowed", async () => {
      const target = newId();
      await store.create(target, "default", 9);
      const other = await store.open(target, "default");
      const flags = { system: SystemFlags.seen | SystemFlags.flagged, keywords: ["Work"] };
      const uids = await deliver(store, box, ["a", "b", "c"], flags);
      const options = {
        movedFrom: { mailbox: "user.ann", uidValidity: 1 },
        allowed: { system: SystemFlags.flagged, keywords: false },
      };
      expect((await box.copyTo(other, [uids[1]!], "ann", undefined, options)).copied).toEqual([1 as Uid]);
      expect(await box.copyTo(other, uids, "ann", undefined, options)).toEqual({
        source: uids,
        copied: [2, 1, 3] as Uid[],
      });
      expect([...other.records([1 as Uid], "ann")][0]?.flags).toEqual({ system: SystemFlags.flagged, keywords: [] });
      expect((await box.copyTo(other, [uids[1]!], "ann")).copied).toEqual([4 as Uid]);
      other.release();
    });

    test("large appends, copies, changes and expunges are one change each, while small ones go on", async () => {
      const target = newId();
      await store.create(target, "default", 9);
      const other = await store.open(target, "default");
      const uids = await deliver(
        store,
        box,
        Array.from({ length: 450 }, (_, i) => `m${i}`),
      );
      const copying = box.copyTo(other, uids, "ann");
      const single = deliver(store, other, ["late"]);
      expect((await copying).copied.length).toBe(450);
      await single;
      expect(other.totals()).toMatchObject({ messages: 451, uidNext: 452 as Uid });
      const before = other.totals().highestModSeq;
      const copied = list(other.uids()) as Uid[];
      await other.changeFlags(change("add", copied, { system: SystemFlags.deleted, keywords: ["Bulk"] }), "ann");
      expect(other.totals()).toMatchObject({ highestModSeq: (before + 1) as ModSeq, deleted: 451 });
      expect([...other.records([copied[300]!], "ann")][0]?.flags.keywords).toEqual(["Bulk"]);
      await other.expunge(copied);
      expect(other.totals()).toMatchObject({ messages: 0, bytes: 0, deleted: 0 });
      other.release();
    });
  });
}
