// SEARCH keys as a tree (RFC 3501 §6.4.4, RFC 5182, RFC 7162 §3.1.5), and what each costs to ask: cheap ones are asked first.

import type { Needle } from "../../message/search-text.ts";
import type { SequenceSet } from "../../wire/sequence-set.ts";

export type DateComparison = "before" | "on" | "since";

export type SearchKey =
  | { readonly kind: "all" }
  | { readonly kind: "and"; readonly keys: readonly SearchKey[] }
  | { readonly kind: "or"; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: "not"; readonly key: SearchKey }
  | { readonly kind: "numbers" | "uids"; readonly set: SequenceSet }
  /** "$" */
  | { readonly kind: "saved" }
  | { readonly kind: "recent" }
  | { readonly kind: "flag"; readonly bit: number }
  /** Folded to lower case. */
  | { readonly kind: "keyword"; readonly name: string }
  | { readonly kind: "larger" | "smaller"; readonly octets: number }
  /** That MODSEQ or a higher one. */
  | { readonly kind: "modseq"; readonly lowest: number }
  /** Days since 1970. */
  | { readonly kind: "internal" | "sent"; readonly comparison: DateComparison; readonly day: number }
  | { readonly kind: "header"; readonly name: string; readonly needle: Needle }
  | { readonly kind: "body" | "text"; readonly needle: Needle };

/** What a key has to look at. */
export const Cost = { view: 0, record: 1, header: 2, body: 3 } as const;

const costs: { readonly [Kind in Exclude<SearchKey["kind"], "and" | "or" | "not">]: number } = {
  all: Cost.view,
  numbers: Cost.view,
  uids: Cost.view,
  saved: Cost.view,
  recent: Cost.view,
  flag: Cost.record,
  keyword: Cost.record,
  larger: Cost.record,
  smaller: Cost.record,
  modseq: Cost.record,
  internal: Cost.record,
  sent: Cost.header,
  header: Cost.header,
  body: Cost.body,
  text: Cost.body,
};

export function costOf(key: SearchKey): number {
  switch (key.kind) {
    case "and":
      return Math.max(...key.keys.map(costOf));
    case "or":
      return Math.max(costOf(key.left), costOf(key.right));
    case "not":
      return costOf(key.key);
    default:
      return costs[key.kind];
  }
}

/** Whether a key of that kind is anywhere in it. */
export function mentions(key: SearchKey, kind: SearchKey["kind"]): boolean {
  switch (key.kind) {
    case "and":
      return key.keys.some((each) => mentions(each, kind));
    case "or":
      return mentions(key.left, kind) || mentions(key.right, kind);
    case "not":
      return mentions(key.key, kind);
    default:
      return key.kind === kind;
  }
}

/** Both keys or all of them, the cheapest first. */
export function allOf(keys: readonly SearchKey[]): SearchKey {
  if (keys.length === 1) return keys[0]!;
  return { kind: "and", keys: [...keys].sort((a, b) => costOf(a) - costOf(b)) };
}

export function eitherOf(one: SearchKey, other: SearchKey): SearchKey {
  return costOf(one) <= costOf(other)
    ? { kind: "or", left: one, right: other }
    : { kind: "or", left: other, right: one };
}
