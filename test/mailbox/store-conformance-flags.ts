// What every message store must do with flags, \\Seen per user, MODSEQs, and in telling what changed.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import { type Mailbox, type MessageStore, type ModSeq, SystemFlags, type Uid } from "../../lib/mailbox/store.ts";
import { change, deliver, messageText, newId } from "./store-fixtures.ts";

/** `openStore` is called for each test and knows `testPartitions`. */
export function keepsFlagsAsMessageStore(name: string, openStore: () => Promise<MessageStore>): void {
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

  const flagsOf = (uid: Uid, user = "ann") => [...box.records([uid], user)][0]?.flags;
  const modSeqOf = (uid: Uid, user = "ann") => [...box.records([uid], user)][0]?.modSeq;
  const now = () => box.totals().highestModSeq;

  describe(`${name}: flags`, () => {
    test("changeFlags() adds, removes and replaces, one MODSEQ for all its messages", async () => {
      const uids = await deliver(store, box, ["a", "b", "c"], { system: SystemFlags.draft, keywords: ["Old"] });
      const before = now();
      await box.changeFlags(change("add", uids, { system: SystemFlags.flagged, keywords: ["New"] }), "ann");
      expect(now()).toBe((before + 1) as ModSeq);
      expect(new Set([...box.records(uids, "ann")].map((each) => each.modSeq))).toEqual(new Set([now()]));
      expect(flagsOf(uids[0]!)).toEqual({ system: SystemFlags.draft | SystemFlags.flagged, keywords: ["Old", "New"] });
      await box.changeFlags(change("remove", [uids[0]!], { system: SystemFlags.draft, keywords: ["old"] }), "ann");
      expect(flagsOf(uids[0]!)).toEqual({ system: SystemFlags.flagged, keywords: ["New"] });
      await box.changeFlags(change("replace", [uids[1]!], { system: SystemFlags.seen, keywords: [] }), "ann");
      expect(flagsOf(uids[1]!)).toEqual({ system: SystemFlags.seen, keywords: [] });
    });

    test("a change that changes nothing gives no MODSEQ", async () => {
      const uids = await deliver(store, box, ["a"], { system: SystemFlags.seen, keywords: ["Work"] });
      const before = now();
      await box.changeFlags(change("add", uids, { system: SystemFlags.seen, keywords: ["WORK"] }), "ann");
      await box.changeFlags(change("remove", uids, { system: SystemFlags.draft, keywords: ["None"] }), "ann");
      await box.changeFlags(change("replace", uids, { system: SystemFlags.seen, keywords: ["work"] }), "ann");
      await box.changeFlags(change("add", [99 as Uid], { system: SystemFlags.draft }), "ann");
      await box.changeFlags(change("remove", uids, { system: SystemFlags.seen }), "bob");
      expect(now()).toBe(before);
      expect(box.version()).toBe(before);
    });

    test("keywords keep their first spelling, whatever case is used later", async () => {
      const uids = await deliver(store, box, ["a", "b"], { system: 0, keywords: ["ToDo"] });
      await box.changeFlags(change("add", uids, { keywords: ["TODO", "later"] }), "ann");
      await box.changeFlags(change("add", uids, { keywords: ["LATER"] }), "ann");
      expect(flagsOf(uids[1]!)?.keywords).toEqual(["ToDo", "later"]);
      expect(box.keywords()).toEqual(["ToDo", "later"]);
    });

    test("only allowed bits are changed, keywords only when they may be", async () => {
      const uids = await deliver(store, box, ["a"], {
        system: SystemFlags.deleted | SystemFlags.draft,
        keywords: ["Keep"],
      });
      const limits = { allowedSystem: SystemFlags.seen | SystemFlags.draft, mayChangeKeywords: false };
      const asked = { system: SystemFlags.flagged | SystemFlags.seen, keywords: ["Other"] };
      await box.changeFlags(change("replace", uids, asked, limits), "ann");
      expect(flagsOf(uids[0]!)).toEqual({ system: SystemFlags.deleted | SystemFlags.seen, keywords: ["Keep"] });
      const noSeen = { allowedSystem: SystemFlags.deleted };
      await box.changeFlags(change("replace", uids, { keywords: ["Keep"] }, noSeen), "ann");
      expect(flagsOf(uids[0]!)).toEqual({ system: SystemFlags.seen, keywords: ["Keep"] });
    });

    test("\\Seen belongs to each user", async () => {
      const uids = await deliver(store, box, ["a", "b", "c"], { system: SystemFlags.seen, keywords: [] }, "ann");
      expect(box.unseen("ann")).toMatchObject({ count: 0, firstUid: undefined });
      expect(box.unseen("bob")).toMatchObject({ count: 3, firstUid: uids[0] });
      await box.changeFlags(change("add", [uids[0]!], { system: SystemFlags.seen }), "bob");
      expect(box.unseen("bob")).toMatchObject({ count: 2, firstUid: uids[1] });
      await box.changeFlags(change("remove", [uids[2]!], { system: SystemFlags.seen }), "ann");
      expect(box.unseen("ann")).toMatchObject({ count: 1, firstUid: uids[2] });
      expect(flagsOf(uids[2]!, "ann")?.system).toBe(0);
      await box.expunge([uids[2]!, uids[0]!]);
      expect(box.unseen("ann")).toMatchObject({ count: 0 });
      expect(box.unseen("bob")).toMatchObject({ count: 1, firstUid: uids[1] });
    });

    test("UNCHANGEDSINCE leaves later messages alone and reports them (RFC 7162 §3.1.3)", async () => {
      const uids = await deliver(store, box, ["a", "b", "c"]);
      const since = now();
      await box.changeFlags(change("add", [uids[1]!], { system: SystemFlags.flagged }), "ann");
      const asked = change("add", uids, { system: SystemFlags.answered }, { unchangedSince: since });
      expect(await box.changeFlags(asked, "ann")).toEqual({ unchanged: [uids[1]!] });
      expect(flagsOf(uids[0]!)?.system).toBe(SystemFlags.answered);
      expect(flagsOf(uids[1]!)?.system).toBe(SystemFlags.flagged);
      const never = change("add", uids, { system: SystemFlags.draft }, { unchangedSince: 0 });
      expect(await box.changeFlags(never, "ann")).toEqual({ unchanged: uids });
    });

    test("changeFlags() tells of what the caller did not know, and the MODSEQ of the change", async () => {
      const uids = await deliver(store, box, ["a", "b", "c"]);
      const knownModSeq = now();
      await box.changeFlags(change("add", [uids[1]!], { system: SystemFlags.seen }), "ann");
      await box.changeFlags(change("add", [uids[2]!], { system: SystemFlags.seen }), "bob");
      const asked = change("add", uids, { system: SystemFlags.answered }, { knownModSeq });
      const report = await box.changeFlags(asked, "ann");
      expect(report).toEqual({ unchanged: [], hadNews: new Set([uids[1]!]), modSeq: now() });
      expect(await box.changeFlags(asked, "ann")).toMatchObject({ hadNews: new Set(uids), modSeq: undefined });
    });

    test("totals count \\Deleted and octets through every kind of change", async () => {
      const uids = await deliver(store, box, ["a", "b", "c"], { system: SystemFlags.deleted, keywords: [] });
      expect(box.totals().deleted).toBe(3);
      await box.changeFlags(change("remove", [uids[0]!], { system: SystemFlags.deleted }), "ann");
      expect(box.totals().deleted).toBe(2);
      await box.expunge([uids[1]!]);
      expect(box.totals()).toMatchObject({ deleted: 1, messages: 2, bytes: 2 * messageText("a").length });
    });
  });

  describe(`${name}: changes`, () => {
    test("changesSince() tells arrivals, flag changes and expunges apart", async () => {
      const old = await deliver(store, box, ["a", "b", "c"]);
      const since = now();
      const fresh = await deliver(store, box, ["d", "e"]);
      await box.changeFlags(change("add", [old[0]!, fresh[0]!], { system: SystemFlags.flagged }), "bob");
      await box.expunge([old[2]!, fresh[1]!]);
      expect(box.changesSince(since, "ann")).toEqual({
        highestModSeq: now(),
        arrived: [fresh[0]!],
        flagged: [old[0]!],
        expunged: [old[2]!],
        hasNewKeywords: false,
      });
      expect(box.changesSince(now(), "ann")).toMatchObject({ arrived: [], flagged: [], expunged: [] });
    });

    test("vanishedSince() tells all that are gone, also what the caller never saw (RFC 7162 §3.2.6)", async () => {
      const old = await deliver(store, box, ["a", "b", "c"]);
      const since = now();
      const fresh = await deliver(store, box, ["d"]);
      await box.expunge([fresh[0]!, old[0]!]);
      const later = now();
      await box.expunge([old[2]!]);
      expect(box.vanishedSince(since)).toEqual([old[0]!, old[2]!, fresh[0]!]);
      expect(box.vanishedSince(later)).toEqual([old[2]!]);
      expect(box.vanishedSince(now())).toEqual([]);
    });

    test("changesSince() shows changes of \\Seen to their user only", async () => {
      const uids = await deliver(store, box, ["a", "b"]);
      const since = now();
      await box.changeFlags(change("add", [uids[0]!], { system: SystemFlags.seen }), "bob");
      expect(box.changesSince(since, "bob").flagged).toEqual([uids[0]!]);
      expect(box.changesSince(since, "ann").flagged).toEqual([]);
      expect(modSeqOf(uids[0]!, "ann")).toBe(since);
      expect(modSeqOf(uids[0]!, "bob")).toBe(now());
      const unset = now();
      await box.changeFlags(change("remove", [uids[0]!], { system: SystemFlags.seen }), "bob");
      expect(box.changesSince(unset, "bob").flagged).toEqual([uids[0]!]);
    });

    test("changesSince() tells of new keywords", async () => {
      const uids = await deliver(store, box, ["a"], { system: 0, keywords: ["Known"] });
      const since = now();
      await box.changeFlags(change("add", uids, { keywords: ["Unknown"] }), "ann");
      expect(box.changesSince(since, "ann").hasNewKeywords).toBe(true);
      expect(box.changesSince(now(), "ann").hasNewKeywords).toBe(false);
    });

    test("version() differs after every change", async () => {
      const seen = new Set([box.version()]);
      const uids = await deliver(store, box, ["a", "b"]);
      seen.add(box.version());
      await box.changeFlags(change("add", uids, { system: SystemFlags.seen }), "ann");
      seen.add(box.version());
      await box.expunge([uids[0]!]);
      seen.add(box.version());
      expect(seen.size).toBe(4);
      expect(box.version()).toBe(box.version());
    });

    test("watch() calls back after a change through another handle, until stopped", async () => {
      const other = await store.open(id, "default");
      let stop = () => {};
      const woken = new Promise<void>((resolve) => {
        stop = box.watch(resolve);
      });
      await deliver(store, other, ["a"]);
      await woken;
      stop();
      let calls = 0;
      box.watch(() => calls++)();
      await deliver(store, other, ["b"]);
      expect(calls).toBe(0);
      other.release();
    });

    test("takeRecent() gives each arrival to one claiming session only (R15)", async () => {
      await deliver(store, box, ["a", "b"]);
      expect(box.takeRecent(false)).toBe(1 as Uid);
      expect(box.takeRecent(true)).toBe(1 as Uid);
      const other = await store.open(id, "default");
      expect(other.takeRecent(false)).toBe(3 as Uid);
      await deliver(store, box, ["c"]);
      expect(other.takeRecent(true)).toBe(3 as Uid);
      expect(other.takeRecent(true)).toBe(4 as Uid);
      other.release();
    });
  });
}
