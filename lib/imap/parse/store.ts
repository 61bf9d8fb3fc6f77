// STORE and UID STORE (RFC 3501 §6.4.6).

import { Bad } from "../../base/fault.ts";
import type { FlagOperation, Flags } from "../../mailbox/store.ts";
import type { Reader } from "../../wire/reader.ts";
import type { SequenceSet } from "../../wire/sequence-set.ts";
import { readFlags } from "./flags.ts";
import { readSequenceSet } from "./sequence.ts";

export interface StoreArgs {
  readonly set: SequenceSet;
  readonly operation: FlagOperation;
  readonly isSilent: boolean;
  readonly flags: Flags;
}

export function readStore(reader: Reader): StoreArgs {
  reader.space();
  const set = readSequenceSet(reader);
  reader.space();
  const operation = reader.skip("+") ? "add" : reader.skip("-") ? "remove" : "replace";
  const item = reader.keyword();
  if (item !== "FLAGS" && item !== "FLAGS.SILENT") throw new Bad(`Invalid item to store "${item}"`);
  reader.space();
  const flags = readFlags(reader);
  reader.end();
  return { set, operation, isSilent: item === "FLAGS.SILENT", flags };
}
