// What was written in one turn of the event loop leaves together: connections are noted here and flushed at its end.

export interface Dirty {
  flushDirty(): void;
}

let dirty: Dirty[] = [];
let stepsToFlush = 0;
/**
 * What follows an answer's data (the tagged line after a FETCH) often comes a few promises later in the same turn: waiting
 * for it saves a segment, and both ends a wake-up. Only a matter of speed.
 */
const patientSteps = 8;

export function flushSoon(connection: Dirty): void {
  if (dirty.push(connection) > 1) return;
  stepsToFlush = patientSteps;
  queueMicrotask(flushAll);
}

function flushAll(): void {
  if (stepsToFlush > 0) {
    stepsToFlush -= 1;
    queueMicrotask(flushAll);
    return;
  }
  const all = dirty;
  dirty = [];
  for (const connection of all) connection.flushDirty();
}
