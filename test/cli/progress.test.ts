import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { type Asker, confirm } from "../../lib/cli/confirm.ts";
import { UsageError } from "../../lib/cli/exit-code.ts";
import { formatDuration, progressLine, startProgress } from "../../lib/cli/progress.ts";

test("progressLine() tells amount, rate and what is left", () => {
  expect(progressLine(50, 200, 10_000, "messages")).toBe("50/200 messages, 25 %, 5.0/s, 30 s left");
  expect(progressLine(200, 200, 20_000, "messages")).toBe("200/200 messages, 100 %, 10/s, in 20 s");
  expect(progressLine(7, undefined, 2000, "mailboxes")).toBe("7 mailboxes, 3.5/s, in 2.0 s");
  expect(progressLine(0, 0, 0, "messages")).toBe("0/0 messages, 0.0/s, in 0.0 s");
});

test("formatDuration() uses two units at most", () => {
  expect([5.55, 59.4, 61, 3599, 3700].map(formatDuration)).toEqual([
    "5.5 s",
    "59 s",
    "1 min 1 s",
    "59 min 59 s",
    "1 h 1 min",
  ]);
});

test("startProgress() draws no more than ten times a second, and always at the end", () => {
  const clock = new ManualClock();
  const drawn: string[] = [];
  const progress = startProgress({ unit: "messages", total: 100, clock, draw: (line) => drawn.push(line) });
  for (let count = 0; count < 100; count++) {
    clock.advance(10);
    progress.add(1);
  }
  progress.end();
  expect(drawn.length).toBe(11);
  expect(drawn.at(-1)).toBe("100/100 messages, 100 %, 100/s, in 1.0 s");
});

test("confirm() takes only a yes, and refuses to guess where nobody can be asked", () => {
  const asker = (answer: string | undefined, isTerminal = true): Asker => ({ isTerminal, ask: () => answer });
  const no = { yes: false };
  expect(["y", "Yes", " y "].map((answer) => confirm("Delete?", no, asker(answer)))).toEqual([true, true, true]);
  expect(["", "n", "yep", undefined].map((answer) => confirm("Delete?", no, asker(answer)))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(confirm("Delete?", { yes: true }, asker(undefined, false))).toBe(true);
  expect(() => confirm("Delete?", no, asker("y", false))).toThrow(UsageError);
});
