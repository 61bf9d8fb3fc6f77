// The arguments of SELECT and EXAMINE: a mailbox, and the parameters of RFC 7162 (§3.1.8, §3.2.5).

import { Bad } from "../../base/fault.ts";
import type { ModSeq } from "../../mailbox/store.ts";
import type { Reader } from "../../wire/reader.ts";
import type { SequenceSet } from "../../wire/sequence-set.ts";
import { hasQresync } from "../condstore.ts";
import type { Session } from "../session.ts";
import { type MailboxArgs, readMailbox } from "./mailbox.ts";
import { readModSeq } from "./modseq.ts";
import { readNumberSet } from "./sequence.ts";

/** What a client of QRESYNC remembers of the mailbox. */
export interface Resync {
  readonly uidValidity: number;
  readonly modSeq: ModSeq;
  /** UIDs; undefined: all. */
  readonly known: SequenceSet | undefined;
  /** Some message numbers and the UIDs they had, both ascending, as many of the one as of the other (§3.2.5.2). */
  readonly match: { readonly numbers: SequenceSet; readonly uids: SequenceSet } | undefined;
}

export interface SelectArgs extends MailboxArgs {
  /** CONDSTORE or QRESYNC was given. */
  readonly asksForModSeqs: boolean;
  readonly resync: Resync | undefined;
}

export function selectArgs(reader: Reader, session: Session): SelectArgs {
  reader.space();
  const mailbox = readMailbox(reader);
  if (!reader.skip(" ")) {
    reader.end();
    return { mailbox, asksForModSeqs: false, resync: undefined };
  }
  let resync: Resync | undefined;
  const names = reader.list(() => {
    const name = reader.keyword();
    if (name === "QRESYNC") resync = readResync(reader, session);
    else if (name !== "CONDSTORE") throw new Bad(`Unknown parameter "${name}"`);
    return name;
  });
  reader.end();
  if (names.length === 0) throw new Bad("Missing parameters");
  if (new Set(names).size < names.length) throw new Bad("A parameter is given twice");
  return { mailbox, asksForModSeqs: true, resync };
}

function readResync(reader: Reader, session: Session): Resync {
  if (!hasQresync(session)) throw new Bad("QRESYNC needs ENABLE QRESYNC");
  reader.space();
  reader.expect("(");
  const uidValidity = reader.nzNumber();
  reader.space();
  const modSeq = readModSeq(reader);
  let known: SequenceSet | undefined;
  let match: Resync["match"];
  if (reader.skip(" ") && reader.peek() !== "(") {
    known = readPlainSet(reader);
    if (reader.skip(" ")) match = readMatch(reader);
  } else if (reader.peek() === "(") match = readMatch(reader);
  reader.expect(")");
  return { uidValidity, modSeq, known, match };
}

function readMatch(reader: Reader): Resync["match"] {
  reader.expect("(");
  const numbers = readPlainSet(reader);
  reader.space();
  const uids = readPlainSet(reader);
  reader.expect(")");
  if (sizeOf(numbers) !== sizeOf(uids)) throw new Bad("There must be as many UIDs as message numbers");
  return { numbers, uids };
}

function readPlainSet(reader: Reader): SequenceSet {
  const set = readNumberSet(reader);
  if (set.hasStar) throw new Bad('"*" is not allowed here');
  return set;
}

function sizeOf(set: SequenceSet): number {
  return set.ranges(0).reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
