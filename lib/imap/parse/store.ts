// STORE and UID STORE (RFC 3501 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).

import { Bad } from "../../base/fault.ts";
import type { FlagOperation, Flags, ModSeq } from "../../mailbox/store.ts";
import type { Reader } from "../../wire/reader.ts";
import type { SequenceSet } from "../../wire/sequence-set.ts";
import { readFlags } from "./flags.ts";
import { readModSeq } from "./modseq.ts";
import { readSequenceSet } from "./sequence.ts";

export interface StoreArgs {
  readonly set: SequenceSet;
  readonly operation: FlagOperation;
  readonly isSilent: boolean;
  readonly flags: Flags;
  /** Messages with a higher MODSEQ are left alone (RFC 7162 §3.1.3). */
  readonly unchangedSince: ModSeq | undefined;
}

export function readStore(reader: Reader): StoreArgs {
  reader.space();
  const set = readSequenceSet(reader);
  reader.space();
  const unchangedSince = reader.peek() === "(" ? readModifiers(reader) : undefined;
  const operation = reader.skip("+") ? "add" : reader.skip("-") ? "remove" : "replace";
  const item = reader.keyword();
  if (item !== "FLAGS" && item !== "FLAGS.SILENT") throw new Bad(`Invalid item to store "${item}"`);
  reader.space();
  const flags = readFlags(reader);
  reader.end();
  return { set, operation, isSilent: item === "FLAGS.SILENT", flags, unchangedSince };
}

/** With the space behind them; there is but one modifier. */
function readModifiers(reader: Reader): ModSeq {
  const found = reader.list(() => {
    const name = reader.keyword();
    if (name !== "UNCHANGEDSINCE") throw new Bad(`Unknown STORE modifier "${name}"`);
    reader.space();
    return readModSeq(reader);
  });
  reader.space();
  if (found.length !== 1) throw new Bad("UNCHANGEDSINCE belongs here, once");
  return found[0]!;
}
