// The arguments of LIST in the extended form (RFC 5258 §6): selection options, a reference, patterns, return options. The
// old form is the case without any of them.

import { Bad, No } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";
import { type MetadataQuery, readMetadataQuery } from "./getmetadata.ts";
import { readStatusItems, type StatusItem } from "./status.ts";

export interface ListSelection {
  subscribed: boolean;
  specialUse: boolean;
  /** RECURSIVEMATCH: also what has something below it that is selected. */
  recursive: boolean;
}

export interface ListReturns {
  subscribed: boolean;
  specialUse: boolean;
  /** RFC 8440. */
  myRights: boolean;
  /** RFC 5819. */
  status: readonly StatusItem[] | undefined;
  /** RFC 9590. */
  metadata: MetadataQuery | undefined;
}

export interface ExtendedListArgs {
  readonly reference: string;
  readonly patterns: readonly string[];
  /** Whether anything was used that the old form does not have: names that are no mailboxes are \NonExistent then. */
  readonly isExtended: boolean;
  readonly select: Readonly<ListSelection>;
  readonly returns: Readonly<ListReturns>;
}

/** Every mailbox is matched with each of them. */
export const mostPatterns = 256;

export function extendedListArgs(reader: Reader): ExtendedListArgs {
  reader.space();
  const hasSelection = reader.peek() === "(";
  const select: ListSelection = { subscribed: false, specialUse: false, recursive: false };
  if (hasSelection) {
    reader.list(() => readSelection(reader, select));
    reader.space();
    if (select.recursive && !select.subscribed && !select.specialUse) {
      throw new Bad("RECURSIVEMATCH needs another selection option");
    }
  }
  const reference = reader.astring();
  reader.space();
  const hasSeveral = reader.peek() === "(";
  const patterns = hasSeveral ? reader.list(() => reader.listMailbox()) : [reader.listMailbox()];
  if (patterns.length === 0) throw new Bad("Missing mailbox pattern");
  if (patterns.length > mostPatterns) throw new No("LIMIT", `At most ${mostPatterns} patterns in one LIST`);
  const returns = readReturns(reader);
  reader.end();
  return { reference, patterns, isExtended: hasSelection || hasSeveral || returns !== noReturns, select, returns };
}

/** REMOTE says nothing here: mailboxes of other servers are always shown. */
const selections: Readonly<Record<string, (select: ListSelection) => void>> = {
  SUBSCRIBED: (select) => {
    select.subscribed = true;
  },
  "SPECIAL-USE": (select) => {
    select.specialUse = true;
  },
  REMOTE: () => {},
  RECURSIVEMATCH: (select) => {
    select.recursive = true;
  },
};

function readSelection(reader: Reader, select: ListSelection): void {
  const word = reader.keyword();
  const option = selections[word];
  if (!option) throw new Bad(`Unknown LIST selection option "${word}"`);
  option(select);
}

const noReturns: ListReturns = {
  subscribed: false,
  specialUse: false,
  myRights: false,
  status: undefined,
  metadata: undefined,
};

/** CHILDREN says nothing here: whether there are any is always told. */
const returnOptions: Readonly<Record<string, (returns: ListReturns, reader: Reader) => void>> = {
  SUBSCRIBED: (returns) => {
    returns.subscribed = true;
  },
  "SPECIAL-USE": (returns) => {
    returns.specialUse = true;
  },
  CHILDREN: () => {},
  MYRIGHTS: (returns) => {
    returns.myRights = true;
  },
  STATUS: (returns, reader) => {
    reader.space();
    returns.status = readStatusItems(reader);
  },
  METADATA: (returns, reader) => {
    reader.space();
    returns.metadata = readMetadataQuery(reader);
  },
};

function readReturns(reader: Reader): ListReturns {
  if (reader.isAtEnd) return noReturns;
  reader.space();
  if (reader.keyword() !== "RETURN") throw new Bad("Unexpected extra arguments");
  reader.space();
  const returns = { ...noReturns };
  reader.list(() => {
    const word = reader.keyword();
    const option = returnOptions[word];
    if (!option) throw new Bad(`Unknown LIST return option "${word}"`);
    option(returns, reader);
  });
  return returns;
}
