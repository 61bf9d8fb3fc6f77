// When events are due: at start, every so many minutes, daily at a time, or by a cron expression (croner reads those).
// Times of day are local time. Who runs an event is told; running it is not done here.

import { Cron } from "croner";
import type { Clock, Timer } from "../base/clock.ts";
import type { EventEntry } from "../config/cyrus-conf.ts";

/** Timers are set no further than this, so that a changed system clock is noticed. */
const longestSleepMs = 10 * 60_000;

interface Due {
  readonly event: EventEntry;
  /** Undefined: never again. */
  dueMs: number | undefined;
}

export class Schedule {
  #due: Due[] = [];
  #timer: Timer | undefined;

  constructor(
    readonly clock: Clock,
    readonly run: (event: EventEntry) => void,
  ) {}

  /** Events with a period run at once and then every period, as in Cyrus; those without any time run once now. */
  start(events: readonly EventEntry[]): void {
    const nowMs = this.clock.now();
    this.#due = events.map((event) => ({ event, dueMs: runsAtStart(event) ? nowMs : nextTime(event, nowMs) }));
    this.#runDue();
  }

  /** Takes other events. One that is as before keeps its time; nothing runs because of the change itself. */
  replace(events: readonly EventEntry[]): void {
    const nowMs = this.clock.now();
    const before = new Map(this.#due.map((due) => [JSON.stringify(due.event), due]));
    this.#due = events.map((event) => before.get(JSON.stringify(event)) ?? { event, dueMs: nextTime(event, nowMs) });
    this.#setTimer();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#due = [];
  }

  #runDue(): void {
    const nowMs = this.clock.now();
    for (const due of this.#due) {
      if (due.dueMs === undefined || due.dueMs > nowMs) continue;
      due.dueMs = nextTime(due.event, nowMs);
      this.run(due.event);
    }
    this.#setTimer();
  }

  #setTimer(): void {
    this.#timer?.cancel();
    const next = Math.min(...this.#due.map((due) => due.dueMs ?? Number.POSITIVE_INFINITY));
    if (next === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(Math.max(0, next - this.clock.now()), longestSleepMs);
    this.#timer = this.clock.after(delayMs, () => this.#runDue());
  }
}

function runsAtStart({ when }: EventEntry): boolean {
  return when.kind === "start" || when.kind === "period";
}

/** The first time after `nowMs`. */
function nextTime({ when }: EventEntry, nowMs: number): number | undefined {
  switch (when.kind) {
    case "start":
      return undefined;
    case "period":
      return nowMs + when.minutes * 60_000;
    case "at":
      return nextTimeOfDay(when.hour, when.minute, nowMs);
    case "cron":
      return new Cron(when.expression, { mode: "5-part" }).nextRun(new Date(nowMs))?.getTime();
  }
}

function nextTimeOfDay(hour: number, minute: number, nowMs: number): number {
  const next = new Date(nowMs);
  next.setHours(hour, minute, 0, 0);
  if (next.getTime() <= nowMs) next.setDate(next.getDate() + 1);
  return next.getTime();
}
