// RETURN (SAVE): what "$" stands for after a search (RFC 5182 §2).

import { No } from "../../base/fault.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { SearchReturn } from "../parse/search-return.ts";
import type { Session } from "../session.ts";
import { chosen } from "./answer.ts";
import type { Found } from "./evaluate.ts";

const noUids = new Uint32Array(0);

/** `view` as it was when the search began. */
export function saveFound(selection: LocalSelection, view: Uint32Array, found: Found, returns: SearchReturn): void {
  const stretches = chosen(returns, found.indexes.length);
  const uids = new Uint32Array(stretches.reduce((sum, { from, to }) => sum + to - from, 0));
  let next = 0;
  for (const { from, to } of stretches) {
    for (let at = from; at < to; at++) uids[next++] = view[found.indexes[at]!]!;
  }
  selection.saved = uids;
}

/** A search that was to save and is answered NO leaves nothing saved; after BAD it is as before (RFC 5182 §2.1). */
export function forgetSaved({ selection }: Session, returns: SearchReturn | undefined, fault: unknown): void {
  if (selection?.kind === "here" && returns?.save && fault instanceof No) selection.local.saved = noUids;
}
