// What may stand behind the items of FETCH, in parentheses (RFC 4466 §2.4): PARTIAL (RFC 9394 §3.2), CHANGEDSINCE and
// VANISHED (RFC 7162 §3.1.4.1, §3.2.6).

import { Bad } from "../../base/fault.ts";
import type { ModSeq } from "../../mailbox/store.ts";
import type { Reader } from "../../wire/reader.ts";
import { readModSeq } from "./modseq.ts";
import { type PartialRange, readPartial } from "./search-return.ts";

export interface FetchModifiers {
  /** For UID FETCH only: so many of the messages, counted from the first or from the last. */
  readonly partial: PartialRange | undefined;
  /** Only messages with a higher MODSEQ. */
  readonly changedSince: ModSeq | undefined;
  /** For UID FETCH with CHANGEDSINCE only: also the UIDs of those that were expunged since. */
  readonly wantsVanished: boolean;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const modifierReaders: Readonly<Record<string, (reader: Reader, modifiers: Mutable<FetchModifiers>) => void>> = {
  PARTIAL(reader, modifiers) {
    reader.space();
    modifiers.partial = readPartial(reader);
  },
  CHANGEDSINCE(reader, modifiers) {
    reader.space();
    modifiers.changedSince = readModSeq(reader);
  },
  VANISHED(_reader, modifiers) {
    modifiers.wantsVanished = true;
  },
};

/** With the space before them; none is fine. */
export function readFetchModifiers(reader: Reader): FetchModifiers {
  const modifiers: Mutable<FetchModifiers> = { partial: undefined, changedSince: undefined, wantsVanished: false };
  if (!reader.skip(" ")) return modifiers;
  const names = reader.list(() => {
    const name = reader.keyword();
    const read = Object.hasOwn(modifierReaders, name) ? modifierReaders[name] : undefined;
    if (!read) throw new Bad(`Unknown FETCH modifier "${name}"`);
    read(reader, modifiers);
    return name;
  });
  if (names.length === 0) throw new Bad("Missing FETCH modifiers");
  if (new Set(names).size < names.length) throw new Bad("A FETCH modifier is given twice");
  return modifiers;
}
