// ESEARCH: in which mailboxes, for what, and what to tell of it (RFC 7377 §2.1).

import { Bad } from "../../base/fault.ts";
import type { Frame } from "../../wire/frame.ts";
import type { Reader } from "../../wire/reader.ts";
import { mentions, type SearchKey } from "../search/key.ts";
import { isOfSelected, type MailboxFilter, readMailboxFilter } from "./mailbox-filter.ts";
import { readProgram } from "./search.ts";
import { readReturn, returnAll, type SearchReturn } from "./search-return.ts";

export interface EsearchHead {
  readonly sources: readonly MailboxFilter[];
  readonly returns: SearchReturn;
}

export interface EsearchArgs extends EsearchHead {
  readonly key: SearchKey;
  /** What the key was read from, to ask it of other servers. */
  readonly criteria: Frame;
}

const selectedOnly: readonly MailboxFilter[] = [{ kind: "selected" }];

/** What comes before the criteria. */
export function readEsearchHead(reader: Reader): EsearchHead {
  reader.space();
  const sources = readSources(reader) ?? selectedOnly;
  const returns = readReturn(reader) ?? returnAll;
  if (returns.save && !isSelectedOnly(sources)) throw new Bad("SAVE is for the selected mailbox alone");
  return { sources, returns };
}

/** The rest. Throws No for an unknown character set. */
export function readCriteria(reader: Reader, head: EsearchHead): EsearchArgs {
  const criteria = reader.remainder();
  const key = readProgram(reader);
  if (!isSelectedOnly(head.sources) && mentions(key, "saved")) {
    throw new Bad("What was saved is of the selected mailbox alone");
  }
  return { ...head, key, criteria };
}

export function isSelectedOnly(sources: readonly MailboxFilter[]): boolean {
  return sources.every(isOfSelected);
}

/** IN with its mailboxes and the space behind it. */
function readSources(reader: Reader): readonly MailboxFilter[] | undefined {
  if (reader.peekKeyword() !== "IN") return undefined;
  reader.keyword();
  reader.space();
  const sources = reader.list(() => readSource(reader));
  reader.space();
  if (sources.length === 0) throw new Bad("Missing mailboxes to search");
  return sources;
}

function readSource(reader: Reader): MailboxFilter {
  if (reader.peek() === "(") throw new Bad("Scope options are not supported"); // RFC 7377 defines none
  const source = readMailboxFilter(reader);
  if (source.kind === "selected-delayed") throw new Bad('"selected-delayed" is not for searches');
  return source;
}
