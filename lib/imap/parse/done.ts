// The line that ends an IDLE (RFC 2177 §3).

import { Bad } from "../../base/fault.ts";

/** Anything but DONE ends the IDLE as well, badly. */
export function requireDone(line: string): void {
  if (line.toUpperCase() !== "DONE") throw new Bad('Expected "DONE"');
}
