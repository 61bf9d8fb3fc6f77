// What processes use, as the kernel counts it: memory and processor time.

import { readdirSync, readFileSync } from "node:fs";

const millisecondsPerTick = 10;

/** Proportional set size, in KB. Processes that have ended count nothing. */
export function pssOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(read(pid, "smaps_rollup"))?.[1] ?? 0), 0);
}

/** User and system time in milliseconds, that of children that have ended included, by process. */
export function processorTimes(pids: readonly number[]): ReadonlyMap<number, number> {
  return new Map(pids.map((pid) => [pid, ticksOf(pid) * millisecondsPerTick]));
}

/** Milliseconds that were used in between; what has ended without a parent among them is not known. */
export function usedBetween(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  let used = 0;
  for (const [pid, time] of after) used += Math.max(0, time - (before.get(pid) ?? 0));
  return used;
}

function ticksOf(pid: number): number {
  const fields = fieldsOf(pid);
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0); // utime stime cutime cstime
}

/** The process itself and everything it started. */
export function familyOf(pid: number): number[] {
  const parents = new Map(allPids().map((each) => [each, Number(fieldsOf(each)[1] ?? 0)]));
  const family = new Set([pid]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
  }
  return [...family];
}

/** Descriptors that a process may have: neither we nor what we start can have more. */
export function mostDescriptors(): number {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? 1024);
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Of /proc/PID/stat, from the state on: the name before it may hold anything. */
function fieldsOf(pid: number): readonly string[] {
  const text = read(pid, "stat");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
