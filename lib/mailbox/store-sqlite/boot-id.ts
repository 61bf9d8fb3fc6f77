// Tells one run of the machine from the next: what was written but not synced survives a killed process, not a crash of
// the machine.

import fs from "node:fs";

let known: string | undefined;

/** The kernel's id of this boot. Where there is none, every process counts as a boot of its own: that is always safe. */
export function bootId(): string {
  if (known === undefined) {
    try {
      known = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    } catch {
      known = crypto.randomUUID();
    }
  }
  return known;
}
