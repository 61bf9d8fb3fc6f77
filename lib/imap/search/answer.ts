// The response to a search: SEARCH (RFC 3501 §7.2.5, RFC 7162 §3.1.5) or ESEARCH (RFC 4731 §3.1), in pieces that leave as
// the client takes them.

import { Bye } from "../../base/fault.ts";
import { TimeSlice } from "../../base/time-slice.ts";
import { sequenceSetPieces } from "../../wire/sequence-set.ts";
import { formatAstring } from "../../wire/writer.ts";
import type { PartialRange, SearchReturn } from "../parse/search-return.ts";
import type { Session } from "../session.ts";

/** Messages found, as the client shall hear of them: message numbers or UIDs, ascending. */
export interface Results {
  readonly length: number;
  at(index: number): number;
  /** The MODSEQ of the result at an index, where that is asked for. */
  readonly modSeqAt: ((index: number) => number) | undefined;
}

/** Positions in the results, `to` excluded. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** What the response is about and to whom it belongs, in the parentheses behind ESEARCH. */
export function tagCorrelator(tag: string): string {
  return `TAG "${tag}"`;
}

/** RFC 7377 §2.2 */
export function mailboxCorrelator(tag: string, external: string, uidValidity: number): string {
  return `${tagCorrelator(tag)} MAILBOX ${formatAstring(external)} UIDVALIDITY ${uidValidity}`;
}

/** Nothing at all for a search that only saves. */
export function* esearchResponse(
  correlator: string,
  isUid: boolean,
  results: Results,
  returns: SearchReturn,
): Generator<string> {
  const { min, max, count, all, partial } = returns;
  if (!(min || max || count || all || partial)) return;
  const { length } = results;
  let head = `* ESEARCH (${correlator})${isUid ? " UID" : ""}`;
  if (min && length > 0) head += ` MIN ${results.at(0)}`;
  if (max && length > 0) head += ` MAX ${results.at(length - 1)}`;
  if (count) head += ` COUNT ${length}`;
  yield head;
  if (all && length > 0) {
    yield " ALL ";
    yield* sequenceSetPieces(length, (index) => results.at(index));
  }
  if (partial) {
    const { from, to } = stretchOf(partial, length);
    yield ` PARTIAL (${partial.text} `;
    if (from === to) yield "NIL";
    else yield* sequenceSetPieces(to - from, (index) => results.at(from + index));
    yield ")";
  }
  const modSeq = highestModSeq(results, returns);
  yield modSeq === undefined ? "\r\n" : ` MODSEQ ${modSeq}\r\n`;
}

export function* searchResponse(results: Results): Generator<string> {
  yield "* SEARCH";
  for (let start = 0; start < results.length; start += numbersPerPiece) {
    let text = "";
    const end = Math.min(start + numbersPerPiece, results.length);
    for (let index = start; index < end; index++) text += ` ${results.at(index)}`;
    yield text;
  }
  const modSeq = highestModSeq(results, undefined);
  yield modSeq === undefined ? "\r\n" : ` (MODSEQ ${modSeq})\r\n`;
}

const numbersPerPiece = 1024;

/** Of the results that are told one by one, or else of all (RFC 4731 §3.2, RFC 7162 §3.1.10). */
function highestModSeq({ length, modSeqAt }: Results, returns: SearchReturn | undefined): number | undefined {
  if (!modSeqAt || length === 0) return undefined;
  let highest = 0;
  for (const { from, to } of returns ? chosen(returns, length) : [{ from: 0, to: length }]) {
    for (let index = from; index < to; index++) highest = Math.max(highest, modSeqAt(index));
  }
  return highest === 0 ? undefined : highest;
}

/**
 * All results, unless only the first, the last or some were asked for (RFC 5182 §2.4, RFC 9394 §3.1): ascending, none
 * twice. SAVE keeps these.
 */
export function chosen({ min, max, count, all, partial }: SearchReturn, length: number): readonly Stretch[] {
  if (length === 0) return [];
  if (all || count || !(min || max || partial)) return [{ from: 0, to: length }];
  const stretches: Stretch[] = [];
  if (min) stretches.push({ from: 0, to: 1 });
  if (max) stretches.push({ from: length - 1, to: length });
  if (partial) stretches.push(stretchOf(partial, length));
  return merged(stretches);
}

function merged(stretches: readonly Stretch[]): readonly Stretch[] {
  const whole: { from: number; to: number }[] = [];
  for (const { from, to } of stretches.toSorted((a, b) => a.from - b.from)) {
    const previous = whole.at(-1);
    if (previous && from <= previous.to) previous.to = Math.max(previous.to, to);
    else whole.push({ from, to });
  }
  return whole;
}

/** Empty when there are no results so far. */
export function stretchOf({ first, last, isFromEnd }: PartialRange, length: number): Stretch {
  const to = isFromEnd ? length - first + 1 : Math.min(last, length);
  const from = isFromEnd ? Math.max(length - last, 0) : first - 1;
  return from < to ? { from, to } : { from: 0, to: 0 };
}

/** Text gathered before it is sent. */
const flushSize = 16_384;

/** Sends one response as fast as the client takes it: nothing else may be said meanwhile. */
export async function sendPieces(session: Session, pieces: Iterable<string>): Promise<void> {
  const slice = new TimeSlice(session.server.clock);
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length >= flushSize) {
      if (!session.send(text)) await session.drained();
      text = "";
    }
    if (slice.isOver) await slice.next();
    if (!session.connection.isOpen) throw new Bye("Connection closed");
  }
  if (text !== "") session.send(text);
}
