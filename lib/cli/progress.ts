// Progress of long work on stderr: how much, how fast, how long still. On a terminal one line that is drawn over; else,
// and with --json, nothing.

import { isatty } from "node:tty";
import type { Clock } from "../base/clock.ts";
import { writeWords } from "./output.ts";

export interface Progress {
  /** Counts that much more as done. */
  add(count: number): void;
  /** Ends the line. */
  end(): void;
}

export interface ProgressOptions {
  /** What is counted, in the plural: "messages". */
  readonly unit: string;
  /** Undefined when nobody knows. */
  readonly total: number | undefined;
  readonly clock: Clock;
  /** Draws a line over the last one; for tests. Undefined: stderr, when it is a terminal. */
  readonly draw?: (line: string) => void;
}

/** At most so often is drawn. */
const redrawMs = 100;

export function startProgress(options: ProgressOptions): Progress {
  const draw = options.draw ?? (isatty(2) ? (line: string) => writeWords(`\r${line}\u001b[K`) : undefined);
  if (!draw) return { add() {}, end() {} };
  const { clock, total, unit } = options;
  const startMs = clock.monotonic();
  let done = 0;
  let drawnMs = Number.NEGATIVE_INFINITY;
  const redraw = () => draw(progressLine(done, total, clock.monotonic() - startMs, unit));
  return {
    add(count) {
      done += count;
      if (clock.monotonic() - drawnMs < redrawMs) return;
      drawnMs = clock.monotonic();
      redraw();
    },
    end() {
      redraw();
      if (!options.draw) writeWords("\n");
    },
  };
}

export function progressLine(done: number, total: number | undefined, elapsedMs: number, unit: string): string {
  const perSecond = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const amount = total === undefined ? `${done}` : `${done}/${total}`;
  const parts = [`${amount} ${unit}`, `${formatRate(perSecond)}/s`];
  if (total !== undefined && total > 0) parts.splice(1, 0, `${Math.floor((100 * done) / total)} %`);
  if (total !== undefined && done > 0 && done < total) parts.push(`${formatDuration((total - done) / perSecond)} left`);
  if (total === undefined || done >= total) parts.push(`in ${formatDuration(elapsedMs / 1000)}`);
  return parts.join(", ");
}

function formatRate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

/** Two units at most: "1 h 2 min", "3 min 4 s", "5.6 s". */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
