// For which session work is done, in places that are shared by all and have no parameter for it: what a client's CREATE
// makes this server say to others and write into its log carries the client's session id. Only for logs: nothing is
// decided by it.

import { AsyncLocalStorage } from "node:async_hooks";

const acting = new AsyncLocalStorage<string | undefined>();

/** Runs `work`; whatever it starts and awaits is done for the session. */
export function actFor<T>(sessionId: string, work: () => T): T {
  return acting.run(sessionId, work);
}

/** For work that outlives the session which happened to start it: connections, timers, other sessions' leftovers. */
export function actForNobody<T>(work: () => T): T {
  return acting.getStore() === undefined ? work() : acting.run(undefined, work);
}

export function actingSession(): string | undefined {
  return acting.getStore();
}
