// A MODSEQ as an argument (RFC 7162 §7, mod-sequence-value): up to 63 bits.

import { Bad } from "../../base/fault.ts";
import type { ModSeq } from "../../mailbox/store.ts";
import type { Reader } from "../../wire/reader.ts";

const digits = /\d{1,20}/y;
const highest = 2n ** 63n - 1n;

/** A number beyond what this server counts to means the highest that it does: nothing is newer. */
export function readModSeq(reader: Reader): ModSeq {
  const text = reader.token(digits);
  if (text === undefined || BigInt(text) > highest) throw new Bad(`Invalid MODSEQ "${text ?? ""}"`);
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER) as ModSeq; // the one place where a client's number becomes one
}
