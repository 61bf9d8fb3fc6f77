// When a server that failed is tried again, and in what order sessions go back to it.

import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { Health } from "../../lib/murder/health.ts";
import { usualReturningAtOnce } from "../../lib/murder/return-queue.ts";

function failedOnce(): { readonly clock: ManualClock; readonly health: Health } {
  const clock = new ManualClock();
  const health = new Health(clock, { random: () => 0 });
  health.failed("be1");
  return { clock, health };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe("Health", () => {
  test("lets one try after the pause, and the others when he has told how it went", () => {
    const { clock, health } = failedOnce();
    expect(health.isWorthTrying("be1")).toBe(false);
    clock.advance(100);
    expect([health.isWorthTrying("be1"), health.isWorthTrying("be1")]).toEqual([true, false]);
    expect(health.isWorthTrying("be2")).toBe(true);
    health.succeeded("be1");
    expect([health.isWorthTrying("be1"), health.isWorthTrying("be1")]).toEqual([true, true]);
  });

  test("waits longer after every failure, up to two seconds, and not all frontends as long", () => {
    const clock = new ManualClock();
    const health = new Health(clock, { random: () => 0.5 });
    const pauses: (number | undefined)[] = [];
    for (let failure = 0; failure < 7; failure += 1) {
      health.failed("be1");
      pauses.push(health.pauseOf("be1"));
    }
    expect(pauses).toEqual([75, 150, 300, 600, 1200, 1500, 1500]);
    expect(health.pauseOf("be2")).toBeUndefined();
  });

  test("does not wait for ever for one who never tells", () => {
    const { clock, health } = failedOnce();
    clock.advance(100);
    expect(health.isWorthTrying("be1")).toBe(true);
    clock.advance(60_000);
    expect(health.isWorthTrying("be1")).toBe(true);
  });

  test("tells when a server fails and when it is well again, once each", () => {
    const heard: string[] = [];
    const health = new Health(new ManualClock(), { changed: (server, isWell) => heard.push(`${server} ${isWell}`) });
    health.succeeded("be1");
    for (let count = 0; count < 3; count += 1) health.failed("be1");
    for (let count = 0; count < 3; count += 1) health.succeeded("be1");
    expect(heard).toEqual(["be1 false", "be1 true"]);
  });
});

describe("Health.turn()", () => {
  test("lets one go to a server that failed, when its pause is over", async () => {
    const { clock, health } = failedOnce();
    const gone: number[] = [];
    const ends: (() => void)[] = [];
    for (let at = 0; at < 3; at += 1) {
      health.turn("be1", (done) => {
        gone.push(at);
        ends.push(done);
      });
    }
    await settle();
    expect(gone).toEqual([]);
    clock.advance(100);
    await settle();
    expect(gone).toEqual([0]);
    expect(health.isWorthTrying("be1")).toBe(true);
    health.failed("be1");
    ends[0]!();
    await settle();
    expect(gone).toEqual([0]);
    clock.advance(200);
    await settle();
    expect(gone).toEqual([0, 1]);
  });

  test("lets all go when it is back, so many at once, in the order they came", async () => {
    const { clock, health } = failedOnce();
    const gone: (() => void)[] = [];
    const count = 3 * usualReturningAtOnce;
    for (let at = 0; at < count; at += 1) health.turn("be1", (done) => gone.push(done));
    clock.advance(100);
    await settle();
    expect(gone).toHaveLength(1);
    health.succeeded("be1");
    gone[0]!();
    await settle();
    expect(gone).toHaveLength(1 + usualReturningAtOnce);
    gone[1]!();
    await settle();
    expect(gone).toHaveLength(2 + usualReturningAtOnce);
    for (let at = 2; at < gone.length; at += 1) {
      gone[at]!();
      await settle();
    }
    expect(gone).toHaveLength(count);
  });

  test("holds up nobody for the sake of one who has given up", () => {
    const { clock, health } = failedOnce();
    const gone: string[] = [];
    const first = health.turn("be1", () => gone.push("first"));
    health.turn("be1", () => gone.push("second"));
    first.cancel();
    clock.advance(100);
    expect(gone).toEqual(["second"]);
  });

  test("does not make one server wait for another", () => {
    const { health } = failedOnce();
    const gone: string[] = [];
    health.turn("be2", () => gone.push("be2"));
    expect(gone).toEqual(["be2"]);
  });

  test.each([
    ["a short way", 3, usualReturningAtOnce],
    ["a long way", 80, 80],
    ["a very long way", 500, 128],
  ])("lets as many go at once as %s takes", (_, tookMs, width) => {
    const clock = new ManualClock();
    const health = new Health(clock);
    const gone: (() => void)[] = [];
    for (let at = 0; at < 200; at += 1) health.turn("be1", (done) => gone.push(done));
    clock.advance(tookMs);
    gone[0]!();
    expect(gone).toHaveLength(1 + width);
  });

  test("does not take a refusal for a short way", () => {
    const { clock, health } = failedOnce();
    const gone: (() => void)[] = [];
    for (let at = 0; at < 200; at += 1) health.turn("be1", (done) => gone.push(done));
    clock.advance(100);
    health.failed("be1");
    gone[0]!();
    clock.advance(200);
    health.succeeded("be1");
    clock.advance(60);
    gone[1]!();
    expect(gone).toHaveLength(2 + 60);
  });
});
