// What a client's sequence numbers stand for after its server was lost: held against a model that knows (N11).

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HeardView } from "../../lib/imap/heard-view.ts";
import { compareViews, describeChange } from "../../lib/imap/view-change.ts";
import { replayView } from "../../lib/imap/view-replay.ts";
import { ModelMailbox, type Step } from "../support/model-mailbox.ts";

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("arrive" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("expunge" as const), which: fc.array(share, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant("fetch" as const), which: fc.array(share, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant("tell" as const), mayExpunge: fc.boolean(), highestFirst: fc.boolean() }),
);
const history = fc.record({
  messages: fc.integer({ min: 0, max: 12 }),
  usesVanished: fc.boolean(),
  before: fc.array(step, { maxLength: 14 }),
  meanwhile: fc.array(step, { maxLength: 6 }),
  overstated: fc.boolean(),
});

interface Replayed {
  readonly model: ModelMailbox;
  readonly heard: HeardView;
  readonly view: Uint32Array | undefined;
}

function live(of: typeof history extends fc.Arbitrary<infer T> ? T : never): Replayed {
  const model = new ModelMailbox(of.messages, of.usesVanished);
  const selected = model.told.length;
  for (const each of of.before) model.take(each);
  const heard = hear(model.told, selected);
  for (const each of of.meanwhile) if (each.kind === "arrive" || each.kind === "expunge") model.take(each);
  const vanished = model.vanished.map((uid) => ({ first: uid, last: uid }));
  // A server may name UIDs that never were (RFC 7162 §3.2.5.1), here all below the first that exists.
  if (of.overstated && model.messages.length > 0) vanished.push({ first: 1, last: model.messages[0]! });
  return { model, heard, view: replayView(heard, Uint32Array.from(model.messages), vanished) };
}

function hear(lines: readonly string[], selected: number): HeardView {
  const heard = new HeardView();
  for (const [at, line] of lines.entries()) {
    if (at === selected) heard.begin();
    heard.hear(Buffer.from(`${line}\r\n`));
  }
  heard.begin();
  return heard;
}

describe("replayView()", () => {
  test("gives the client's view or nothing, never another (N11)", () => {
    let certain = 0;
    let all = 0;
    fc.assert(
      fc.property(history, (of) => {
        const { model, heard, view } = live(of);
        expect(heard.isClear).toBe(true);
        expect(heard.count).toBe(model.view.length);
        all += 1;
        if (view === undefined) return;
        certain += 1;
        expect([...view]).toEqual(model.view);
      }),
      { numRuns: 3000 },
    );
    expect(certain / all).toBeGreaterThan(0.5);
  });

  test("is certain whenever what came since SELECT is still there, whatever else went", () => {
    fc.assert(
      fc.property(history, (of) => {
        const { model, view } = live({ ...of, overstated: false });
        const uidNext = Number(/UIDNEXT (\d+)/.exec(model.told.join())![1]);
        fc.pre(model.vanished.every((uid) => uid < uidNext));
        expect(view && [...view]).toEqual(model.view);
      }),
      { numRuns: 500, maxSkipsPerRun: 1000 },
    );
  });

  test("is told to the client so that both count the same", () => {
    fc.assert(
      fc.property(history, (of) => {
        const { model, view } = live(of);
        if (view === undefined) return;
        const change = compareViews(view, Uint32Array.from(model.messages));
        expect(change).toBeDefined();
        const client = hear(
          [...model.told, ...describeChange(change!, model.usesVanished, undefined).split("\r\n")],
          4,
        );
        expect(client.isClear).toBe(true);
        expect(client.count).toBe(model.messages.length);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["nothing happened", 4, [], [1, 2, 3], [], [1, 2, 3]],
    ["one of the old went", 4, [], [1, 3], [2], [1, 2, 3]],
    ["one came", 4, ["4 EXISTS"], [1, 2, 3, 4], [], [1, 2, 3, 4]],
    ["one came unheard", 4, [], [1, 2, 3, 4], [], [1, 2, 3]],
    ["one came, and went unheard", 4, ["4 EXISTS"], [1, 2, 3], [4], [1, 2, 3, 4]],
    ["one came and went", 4, ["4 EXISTS", "4 EXPUNGE", "4 EXISTS"], [1, 2, 3, 5], [4], [1, 2, 3, 5]],
    ["it is not certain which one came", 4, ["4 EXISTS"], [1, 2, 3, 5], [4], undefined],
    ["the one that came was fetched", 4, ["4 EXISTS", "4 FETCH (FLAGS () UID 4)"], [1, 2, 3, 5], [4], [1, 2, 3, 4]],
    ["only the second was fetched", 4, ["5 EXISTS", "5 FETCH (UID 6)"], [1, 2, 3, 6, 7], [4, 5], undefined],
    [
      "both were fetched",
      4,
      ["5 EXISTS", "4 FETCH (UID 5)", "5 FETCH (UID 6)"],
      [1, 2, 3, 7],
      [4, 5, 6],
      [1, 2, 3, 5, 6],
    ],
    ["more are gone than were", 3, [], [1, 2], [], undefined],
  ] as const)("when %s", (_, uidNext, told, current, vanished, expected) => {
    const lines = ["* 3 EXISTS", "* OK [UIDVALIDITY 7]", `* OK [UIDNEXT ${uidNext}]`, "* OK [HIGHESTMODSEQ 9]"];
    const heard = hear([...lines, ...told.map((line) => `* ${line}`)], 4);
    const view = replayView(
      heard,
      Uint32Array.from(current),
      vanished.map((uid) => ({ first: uid, last: uid })),
    );
    expect(view && [...view]).toEqual(expected && [...expected]);
  });
});
