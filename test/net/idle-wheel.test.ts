import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { type Idler, IdleWheel } from "../../lib/net/idle-wheel.ts";
import { connectionPair } from "../../lib/net/pair.ts";

function idler(wheel: IdleWheel, idleMs: number): Idler & { lastHeardMs: number; idleMs: number; timesIdle: number } {
  const made = {
    idleMs,
    lastHeardMs: wheel.now(),
    dueMs: 0,
    timesIdle: 0,
    wentIdle: () => {
      made.timesIdle += 1;
    },
  };
  wheel.watch(made);
  return made;
}

test("IdleWheel reports after the idle time and not before, within a 128th of it", () => {
  const clock = new ManualClock(1_000);
  const wheel = new IdleWheel(clock);
  const short = idler(wheel, 1_000);
  const long = idler(wheel, 1_800_000);
  clock.advance(999);
  expect(short.timesIdle).toBe(0);
  clock.advance(60);
  expect(short.timesIdle).toBe(1);
  clock.advance(1_798_900);
  expect(long.timesIdle).toBe(0);
  clock.advance(15_000);
  expect(long.timesIdle).toBe(1);
});

test("IdleWheel waits again when something was heard meanwhile", () => {
  const clock = new ManualClock();
  const wheel = new IdleWheel(clock);
  const heard = idler(wheel, 1_000);
  clock.advance(900);
  heard.lastHeardMs = wheel.now();
  clock.advance(900);
  expect(heard.timesIdle).toBe(0);
  clock.advance(200);
  expect(heard.timesIdle).toBe(1);
});

test("IdleWheel forgets", () => {
  const clock = new ManualClock();
  const wheel = new IdleWheel(clock);
  const gone = idler(wheel, 1_000);
  wheel.forget(gone);
  const changed = idler(wheel, 1_000);
  changed.idleMs = 0;
  wheel.watch(changed);
  clock.advance(10_000);
  expect(gone.timesIdle + changed.timesIdle).toBe(0);
});

test("a pair takes its idle time from the clock it was given", () => {
  const clock = new ManualClock();
  const [server, client] = connectionPair(clock);
  let asked = 0;
  server.attach({
    receive() {},
    closed() {},
    idle: () => {
      asked += 1;
    },
  });
  server.setIdleTimeout(1_800_000);
  clock.advance(1_799_999);
  expect(asked).toBe(0);
  clock.advance(30_000);
  expect(asked).toBe(1);
  clock.advance(1_820_000);
  expect(asked).toBe(2);
  client.destroy();
});
