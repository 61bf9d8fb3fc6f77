// Which messages a client's sequence numbers stand for, after the server that told it of them was lost: worked out from
// what the client heard, the messages there are now and those that are gone since its SELECT (RFC 7162 §3.2.5).
//
// Why the result is exact, or there is none:
// - A server may name more as vanished than ever existed, never less. So the UIDs below the UIDNEXT of SELECT that exist
//   or have vanished hold all that SELECT counted; if they are as many, they are the same.
// - Messages that came later were told of in the order of their UIDs, and none that is still there can have been passed
//   over: only one that is gone may have come and gone unheard, unless the client has heard its UID. All ways to choose under
//   that rule are followed; where they do not all lead to the same messages, there is no result.

import type { NumberRange } from "../wire/sequence-set.ts";
import type { HeardView } from "./heard-view.ts";
import { onlyChoice } from "./only-choice.ts";
import { insertedAt } from "./view.ts";

export type Heard = Pick<HeardView, "uidNext" | "selected" | "arrived" | "gone" | "named"> & {
  readonly removed: Pick<HeardView["removed"], "stretches">;
};

/** Work that is not worth its time: the mailbox had better be closed. */
const maxSteps = 4_000_000;

/**
 * The client's view: UIDs, ascending. `current`: what exists, ascending. `vanished`: all that is gone since the SELECT that
 * began the view, in any order, perhaps with UIDs that never were. Undefined when it is not certain.
 */
export function replayView(
  heard: Heard,
  current: Uint32Array,
  vanished: readonly NumberRange[],
): Uint32Array | undefined {
  const uidNext = heard.uidNext ?? 0;
  const split = insertedAt(current, uidNext);
  const older = missing(clip(vanished, 1, uidNext - 1), current, heard.selected);
  if (!older || older.length + split !== heard.selected) return undefined;
  const old = merge(current.subarray(0, split), older);

  const goneLater = countIn(clip(heard.gone, uidNext, Number.MAX_SAFE_INTEGER));
  const later = arrivals(heard, current.subarray(split), vanished, heard.arrived - goneLater);
  if (!later) return undefined;
  const gone = enumerate(heard.gone);
  const isKept = (uid: number, at: number) => !gone.has(uid) && !contains(heard.removed.stretches, at + 1);
  return Uint32Array.from([...old.filter(isKept), ...later]);
}

/** Those UIDs of messages that came after SELECT which the client still counts. */
function arrivals(
  heard: Heard,
  current: Uint32Array,
  vanished: readonly NumberRange[],
  count: number,
): readonly number[] | undefined {
  const uidNext = heard.uidNext ?? 0;
  const unheard = enumerate(heard.gone);
  const lost = missing(clip(vanished, uidNext, Number.MAX_SAFE_INTEGER), current, maxSteps)?.filter(
    (uid) => !unheard.has(uid),
  );
  if (!lost) return undefined;
  const named = [...heard.named].filter((uid) => !unheard.has(uid));
  const isRemoved = (at: number) => contains(heard.removed.stretches, heard.selected + at + 1);
  if (lost.length === 0 && heard.removed.stretches.every(({ last }) => last <= heard.selected)) {
    const isPossible = count >= 0 && count <= current.length && highestOf(named) <= (current[count - 1] ?? 0);
    return isPossible ? Array.from(current.subarray(0, count)) : undefined;
  }
  const all = merge(current, Uint32Array.from(lost));
  if (named.some((uid) => all[insertedAt(all, uid)] !== uid)) return undefined;
  const isLost = new Set(lost);
  const mayPass = new Set(lost);
  for (const uid of named) mayPass.delete(uid);
  const choosing = {
    ...{ all, count, least: insertedAt(all, highestOf(named) + 1) },
    lost: Array.from(all, (uid) => isLost.has(uid)),
    mayPass: Array.from(all, (uid) => mayPass.has(uid)),
    removed: Array.from({ length: Math.max(count, 0) }, (_, at) => isRemoved(at)),
  };
  return onlyChoice(choosing, maxSteps);
}

// ---- sets of UIDs

function highestOf(uids: readonly number[]): number {
  return uids.reduce((highest, uid) => Math.max(highest, uid), 0);
}

function clip(ranges: readonly NumberRange[], first: number, last: number): NumberRange[] {
  return ranges.flatMap((range) => {
    const clipped = { first: Math.max(range.first, first), last: Math.min(range.last, last) };
    return clipped.first <= clipped.last ? [clipped] : [];
  });
}

function countIn(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Those in the ranges that do not exist, ascending, each once; undefined when there are more than `most`. */
function missing(ranges: readonly NumberRange[], current: Uint32Array, most: number): Uint32Array | undefined {
  const found = new Set<number>();
  for (const { first, last } of ranges) {
    const present = insertedAt(current, last + 1) - insertedAt(current, first);
    if (last - first + 1 - present > most) return undefined;
    for (let uid = first; uid <= last; uid += 1) if (current[insertedAt(current, uid)] !== uid) found.add(uid);
    if (found.size > most) return undefined;
  }
  return Uint32Array.from(found).sort();
}

function enumerate(ranges: readonly NumberRange[]): ReadonlySet<number> {
  const all = new Set<number>();
  for (const { first, last } of ranges) for (let uid = first; uid <= last; uid += 1) all.add(uid);
  return all;
}

function merge(one: Uint32Array, other: Uint32Array): Uint32Array {
  const all = new Uint32Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all.sort();
}

function contains(stretches: readonly NumberRange[], position: number): boolean {
  let low = 0;
  let high = stretches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (stretches[middle]!.last < position) low = middle + 1;
    else high = middle;
  }
  const found = stretches[low];
  return found !== undefined && found.first <= position;
}
