// The heartbeat of a connection to a master: silence is answered with NOOP, and a NOOP that is not answered ends the
// connection. So a master that stands still, or a network that swallows everything, is noticed in three intervals.

import type { Clock, Timer } from "../base/clock.ts";
import type { MupdateClient } from "../mupdate/client.ts";

/** A busy master may let a NOOP wait for so many intervals. */
const patience = 2;

/** Begins; returns the way to stop. The client itself gives up its connection when the answer stays out. */
export function startHeartbeat(client: MupdateClient, clock: Clock, intervalMs: number): () => void {
  let timer: Timer;
  const next = () => {
    timer = clock.after(intervalMs, () => {
      const isQuiet = clock.monotonic() - client.lastHeardMs >= intervalMs;
      // A replica that has lost its own master says NO: also a sign of life.
      if (isQuiet) client.noop(intervalMs * patience).then(next, () => client.isOpen && next());
      else next();
    });
  };
  next();
  return () => timer.cancel();
}
