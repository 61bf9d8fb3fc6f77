// Who is at work and who is not, by what a process left in a journal.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { isWorkerAlive, ownWorkerId } from "../../lib/daemon/worker-id.ts";

test("isWorkerAlive() knows this process, and no other that had its number", () => {
  expect(isWorkerAlive(ownWorkerId())).toBe(true);
  expect(isWorkerAlive(`${process.pid}-1`)).toBe(false);
  expect(isWorkerAlive("")).toBe(false);
});

test("isWorkerAlive() takes a zombie for dead: in a container it may stay for ever", async () => {
  // The shell becomes a program that never waits for its child; until then it would.
  const script = "sleep 30 & echo $!; exec sleep 30";
  const parent = Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "pipe" });
  const { value } = await parent.stdout.getReader().read();
  const pid = new TextDecoder().decode(value).trim();
  while (readFileSync(`/proc/${parent.pid}/comm`, "utf8") !== "sleep\n") await Bun.sleep(1);
  const stat = () =>
    readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /, "")
      .split(" ");
  const worker = `${pid}-${stat()[19]}`;
  expect(isWorkerAlive(worker)).toBe(true);
  process.kill(Number(pid), "SIGKILL");
  while (stat()[0] !== "Z") await Bun.sleep(1);
  expect(isWorkerAlive(worker)).toBe(false);
  parent.kill("SIGKILL");
  await parent.exited;
});
