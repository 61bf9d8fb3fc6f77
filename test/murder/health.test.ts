// When a server that failed is tried again, and in what order sessions go back to it.

import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { Health } from "../../lib/murder/health.ts";
import { maxReturningAtOnce } from "../../lib/murder/return-queue.ts";

const never = new AbortController().signal;

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
    const ends = Array.from({ length: 3 }, async (_, at) => {
      const done = await health.turn("be1", never);
      gone.push(at);
      return done;
    });
    await settle();
    expect(gone).toEqual([]);
    clock.advance(100);
    await settle();
    expect(gone).toEqual([0]);
    expect(health.isWorthTrying("be1")).toBe(true);
    health.failed("be1");
    (await ends[0]!)();
    await settle();
    expect(gone).toEqual([0]);
    clock.advance(200);
    await settle();
    expect(gone).toEqual([0, 1]);
  });

  test("lets all go when it is back, so many at once, in the order they came", async () => {
    const { clock, health } = failedOnce();
    const gone: (() => void)[] = [];
    const count = 3 * maxReturningAtOnce;
    for (let at = 0; at < count; at += 1) void health.turn("be1", never).then((done) => gone.push(done));
    clock.advance(100);
    await settle();
    expect(gone).toHaveLength(1);
    health.succeeded("be1");
    gone[0]!();
    await settle();
    expect(gone).toHaveLength(1 + maxReturningAtOnce);
    gone[1]!();
    await settle();
    expect(gone).toHaveLength(2 + maxReturningAtOnce);
    for (let at = 2; at < gone.length; at += 1) {
      gone[at]!();
      await settle();
    }
    expect(gone).toHaveLength(count);
  });

  test("holds up nobody for the sake of one who has given up", async () => {
    const { clock, health } = failedOnce();
    const abort = new AbortController();
    const given = health.turn("be1", abort.signal);
    const second = health.turn("be1", never);
    abort.abort(new Error("left"));
    await expect(given).rejects.toThrow("left");
    await expect(health.turn("be1", abort.signal)).rejects.toThrow("left");
    clock.advance(100);
    expect(await second).toBeFunction();
  });

  test("does not make one server wait for another", async () => {
    const { health } = failedOnce();
    expect(await health.turn("be2", never)).toBeFunction();
  });
});
