// What may stand behind the items of FETCH, in parentheses (RFC 4466 §2.4): PARTIAL (RFC 9394 §3.2).

import { Bad } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";
import { type PartialRange, readPartial } from "./search-return.ts";

export interface FetchModifiers {
  /** For UID FETCH only: so many of the messages, counted from the first or from the last. */
  readonly partial: PartialRange | undefined;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const modifierReaders: Readonly<Record<string, (reader: Reader, modifiers: Mutable<FetchModifiers>) => void>> = {
  PARTIAL(reader, modifiers) {
    reader.space();
    modifiers.partial = readPartial(reader);
  },
};

/** With the space before them; none is fine. */
export function readFetchModifiers(reader: Reader): FetchModifiers {
  const modifiers: Mutable<FetchModifiers> = { partial: undefined };
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
