// One server's share of an ESEARCH over several, and whether it can do it by itself.

import { No } from "../../base/fault.ts";
import type { Completion, Remote } from "../../mailbox/place.ts";
import type { EsearchHead } from "../parse/esearch.ts";
import { mentions, type SearchKey } from "../search/key.ts";
import { okOf } from "./completion.ts";

export interface Share {
  /** As the client sees them. */
  readonly names: string[];
  /** The mailbox that is selected there, as this session knows it. */
  hasSelected: boolean;
}

/** Whether the server can do all that is asked. */
export function canMultisearch({ capabilities }: Remote, { returns }: EsearchHead, key: SearchKey): boolean {
  if (!capabilities.has("MULTISEARCH")) return false;
  if (returns.save && !capabilities.has("SEARCHRES")) return false;
  return !(returns.partial && !capabilities.has("PARTIAL")) && !(mentions(key, "modseq") && !hasModSeqs(capabilities));
}

/** A command of ours is not understood: the client cannot have made a mistake in it. */
export function requireOk(completion: Completion): void {
  if (completion.status === "BAD") throw new No("CANNOT", "A server does not understand the search");
  okOf(completion);
}

/** RFC 7162 §3.1.1, §3.2.3 */
export function hasModSeqs(capabilities: ReadonlySet<string>): boolean {
  return capabilities.has("CONDSTORE") || capabilities.has("QRESYNC");
}
