// The mailbox list in the text form of Cyrus 2.x, a line a mailbox: name TAB type SP partition SP acl. The oldest dumps have no
// type. A mailbox of another server has `server!partition` for its partition. There are no unique ids and no UIDVALIDITYs in it.

import type { MailboxEntry, MailboxState } from "./list.ts";

/** Bits of the type, as Cyrus 2.x has them. */
const bits = { remote: 1, reserved: 2, netnews: 4, moving: 8, deleted: 16 } as const;

/** Cyrus 3.6, told to load this form, takes these bits for them. */
const laterBits = { remote: 16, reserved: 32, moving: 64, deleted: 128 } as const;

const stateBits: Readonly<Record<MailboxState, number>> = {
  active: 0,
  reserved: bits.reserved,
  moving: bits.moving,
  deleted: bits.deleted,
};

export function* dumpTextLines(entries: Iterable<MailboxEntry>): Generator<string> {
  for (const { name, server, partition, acl, state } of entries) {
    const isRemote = server !== "" && state !== "moving";
    const type = stateBits[state] | (isRemote ? bits.remote : 0);
    yield `${name}\t${type} ${server === "" ? "" : `${server}!`}${partition} ${acl}\n`;
  }
}

/** A line of such a dump, cut up; nothing of it is checked. */
export interface TextDumpLine {
  readonly name: string;
  readonly server: string;
  readonly partition: string;
  /** Identifiers and rights in turn. */
  readonly aclFields: readonly string[];
  readonly state: MailboxState;
}

/** Undefined for what is no such line. */
export function parseTextDumpLine(line: string): TextDumpLine | undefined {
  const found = /^([^\t]+)\t(?:(\d{1,4}) )?([^ \t]*)(?: (.*))?$/.exec(line);
  if (!found) return undefined;
  const [, name = "", number = "0", place = "", acl = ""] = found;
  const mark = place.indexOf("!");
  const type = readType(Number(number), mark >= 0);
  // Before there were partitions in it, the place of a remote mailbox was its server alone.
  const isServerAlone = mark < 0 && type.isRemote;
  const aclFields = acl.split("\t");
  if (aclFields.at(-1) === "") aclFields.pop();
  return {
    name,
    server: isServerAlone ? place : place.slice(0, Math.max(mark, 0)),
    partition: isServerAlone ? "" : place.slice(mark + 1),
    aclFields,
    state: type.state,
  };
}

/** 16 is a tombstone in one numbering and a remote mailbox in the other: only a remote one has a server. */
function readType(type: number, hasServer: boolean): { readonly state: MailboxState; readonly isRemote: boolean } {
  const has = (bit: number) => (type & bit) !== 0;
  const isRemote = has(bits.remote) || (hasServer && has(laterBits.remote));
  if (has(laterBits.deleted) || (has(bits.deleted) && !hasServer)) return { state: "deleted", isRemote };
  if (has(bits.reserved) || has(laterBits.reserved)) return { state: "reserved", isRemote };
  if (has(bits.moving) || has(laterBits.moving)) return { state: "moving", isRemote };
  return { state: "active", isRemote };
}
