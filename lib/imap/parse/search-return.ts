// What a search shall answer: RETURN (MIN MAX COUNT ALL SAVE PARTIAL) of RFC 4731 §3.1, RFC 5182 §2 and RFC 9394 §3.1.

import { Bad } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";

/** Some of the results, counted from the first or, with `isFromEnd`, from the last; `first` ≤ `last`. */
export interface PartialRange {
  readonly first: number;
  readonly last: number;
  readonly isFromEnd: boolean;
  /** As the client wrote it. */
  readonly text: string;
}

export interface SearchReturn {
  readonly min: boolean;
  readonly max: boolean;
  readonly count: boolean;
  readonly all: boolean;
  readonly partial: PartialRange | undefined;
  readonly save: boolean;
}

const plainOptions = { MIN: "min", MAX: "max", COUNT: "count", ALL: "all", SAVE: "save" } as const;

/** RETURN () means this (RFC 4731 §3.1). */
export const returnAll: SearchReturn = {
  min: false,
  max: false,
  count: false,
  all: true,
  partial: undefined,
  save: false,
};

/** RETURN with its options and the space behind it; undefined where there is none. */
export function readReturn(reader: Reader): SearchReturn | undefined {
  if (reader.peekKeyword() !== "RETURN") return undefined;
  reader.keyword();
  reader.space();
  const returns = { ...returnAll, all: false };
  const count = reader.list(() => readOption(reader, returns)).length;
  reader.space();
  if (returns.all && returns.partial) throw new Bad("ALL and PARTIAL cannot both be asked for");
  return count === 0 ? returnAll : returns;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function readOption(reader: Reader, returns: Mutable<SearchReturn>): void {
  const name = reader.keyword();
  if (Object.hasOwn(plainOptions, name)) returns[plainOptions[name as keyof typeof plainOptions]] = true;
  else if (name !== "PARTIAL") throw new Bad(`Unknown search return option "${name}"`);
  else if (returns.partial) throw new Bad("PARTIAL can be asked for only once");
  else {
    reader.space();
    returns.partial = readPartial(reader);
  }
}

const partialChars = /[-\d:]+/y;

/** RFC 9394 §3.1: "1:100" counts from the first result, "-1:-100" from the last; either end may come first. */
export function readPartial(reader: Reader): PartialRange {
  const text = reader.token(partialChars) ?? "";
  const found = /^(-?)([1-9]\d{0,9}):(-?)([1-9]\d{0,9})$/.exec(text);
  const [a, b] = [Number(found?.[2]), Number(found?.[4])];
  if (!found || found[1] !== found[3] || Math.max(a, b) > 0xffff_ffff) throw new Bad(`Invalid partial range "${text}"`);
  return { first: Math.min(a, b), last: Math.max(a, b), isFromEnd: found[1] === "-", text };
}

/** As a server is asked for it; SAVE is not passed on. */
export function formatReturn({ min, max, count, all, partial }: SearchReturn): string {
  const words = [min && "MIN", max && "MAX", count && "COUNT", all && "ALL", partial && `PARTIAL ${partial.text}`];
  return `RETURN (${words.filter((word) => word).join(" ")})`;
}
