import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import type { EventEntry } from "../../lib/config/cyrus-conf.ts";
import { Schedule } from "../../lib/master/schedule.ts";

const minute = 60_000;
const hour = 60 * minute;

/** Midnight, local time. */
const midnight = new Date(2026, 4, 5).getTime();

function event(name: string, when: EventEntry["when"]): EventEntry {
  return { name, command: name, when };
}

function schedule(events: readonly EventEntry[]) {
  const clock = new ManualClock(midnight);
  const runs: string[] = [];
  const it = new Schedule(clock, ({ name }) => runs.push(`${name} ${(clock.now() - midnight) / minute}`));
  it.start(events);
  return { clock, runs, it };
}

test("an event without a time runs once at start", () => {
  const { clock, runs } = schedule([event("once", { kind: "start" })]);
  clock.advance(48 * hour);
  expect(runs).toEqual(["once 0"]);
});

test("an event with a period runs at start and then every period", () => {
  const { clock, runs } = schedule([event("often", { kind: "period", minutes: 30 })]);
  clock.advance(95 * minute);
  expect(runs).toEqual(["often 0", "often 30", "often 60", "often 90"]);
});

test("an event with at= runs daily at that time", () => {
  const { clock, runs } = schedule([event("daily", { kind: "at", hour: 4, minute: 1 })]);
  clock.advance(30 * hour);
  expect(runs).toEqual(["daily 241", `daily ${241 + 1440}`]);
});

test("an event with cron= runs when the expression says", () => {
  const { clock, runs } = schedule([event("cron", { kind: "cron", expression: "5,35 4 * * *" })]);
  clock.advance(24 * hour);
  expect(runs).toEqual(["cron 245", "cron 275"]);
});

test("replace() lets events that are as before keep their time and runs nothing because of it", () => {
  const often = event("often", { kind: "period", minutes: 30 });
  const { clock, runs, it } = schedule([often]);
  clock.advance(20 * minute);
  it.replace([often, event("new", { kind: "period", minutes: 60 }), event("once", { kind: "start" })]);
  clock.advance(70 * minute);
  expect(runs).toEqual(["often 0", "often 30", "often 60", "new 80", "often 90"]);
});

test("stop() ends it", () => {
  const { clock, runs, it } = schedule([event("often", { kind: "period", minutes: 1 })]);
  it.stop();
  clock.advance(hour);
  expect(runs).toEqual(["often 0"]);
});
