// From the view a client has to the one that its server has now: what has to be told, in the words of RFC 9051 §7.5 or, to
// a client of QRESYNC, RFC 7162 §3.2.10.

import { formatSequenceSet } from "../wire/sequence-set.ts";

export interface ViewChange {
  /** UIDs that the client has to forget, ascending. */
  readonly expunged: readonly number[];
  /** Their message numbers in the client's view, ascending. */
  readonly expungedNumbers: readonly number[];
  /** How many of the messages there are now the client knows: they are the first. */
  readonly known: number;
  readonly exists: number;
}

/** Both ascending. Undefined when a message is new that is not the last: that cannot be told. */
export function compareViews(client: Uint32Array, current: Uint32Array): ViewChange | undefined {
  const expunged: number[] = [];
  const expungedNumbers: number[] = [];
  let known = 0;
  for (const [index, uid] of client.entries()) {
    if (current[known] === uid) known += 1;
    else {
      expunged.push(uid);
      expungedNumbers.push(index + 1);
    }
  }
  const isTellable = (client.at(-1) ?? 0) < (current[known] ?? Number.POSITIVE_INFINITY);
  return isTellable ? { expunged, expungedNumbers, known, exists: current.length } : undefined;
}

/** The untagged responses that make the client's view the present one. `recent`: as SELECT said, if it did. */
export function describeChange(
  { expunged, expungedNumbers, known, exists }: ViewChange,
  usesVanished: boolean,
  recent: number | undefined,
): string {
  let text = "";
  if (usesVanished && expunged.length > 0) text += `* VANISHED ${formatSequenceSet(expunged)}\r\n`;
  // The highest first: no EXPUNGE renumbers what the next one names.
  else for (const number of expungedNumbers.toReversed()) text += `* ${number} EXPUNGE\r\n`;
  if (exists > known) text += `* ${exists} EXISTS\r\n${recent === undefined ? "" : `* ${recent} RECENT\r\n`}`;
  return text;
}
