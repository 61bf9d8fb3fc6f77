// What MUPDATE says about one mailbox (RFC 3656 §3.4–3.6): name, location, ACL, and whether it is in use or only
// reserved. Here are also the ways from and to the text on the wire and the entries of the mailbox list.

import { asBuffer, decodeUtf8, encodeUtf8, fromLatin1, latin1 } from "../base/bytes.ts";
import { Bad } from "../base/fault.ts";
import { type Acl, emptyAcl } from "../mailbox/acl.ts";
import type { Location, MailboxEntry, UniqueId } from "../mailbox/list.ts";
import { type MailboxName, parseMailboxName } from "../mailbox/name.ts";

export interface MailboxRecord {
  readonly name: MailboxName;
  readonly location: Location;
  /** Empty for a reserved name. */
  readonly acl: Acl;
  readonly state: "active" | "reserved";
}

const noUniqueId = "" as UniqueId;

/** `server!partition`. */
export function locationOf(server: string, partition: string): Location {
  return `${server}!${partition}` as Location;
}

/** The server of a location: what stands before the `!`, port included. */
export function serverOf(location: string): string {
  const mark = location.indexOf("!");
  return mark < 0 ? location : location.slice(0, mark);
}

export function partitionOf(location: string): string {
  const mark = location.indexOf("!");
  return mark < 0 ? "" : location.slice(mark + 1);
}

/** A million mailboxes have a handful of locations: read once, and one string each. */
const locationParts = new Map<string, LocationParts>();
const mostKnownLocations = 4096;

interface LocationParts {
  readonly location: Location;
  readonly server: string;
  readonly partition: string;
}

/** Reads a location. A bare `host` (RFC 3656 §2.5 allows it) becomes `host!`, as Cyrus keeps it. */
export function parseLocation(text: string): Location {
  return partsOf(text).location;
}

/** Throws Bad for what is no location. */
export function partsOf(text: string): LocationParts {
  const known = locationParts.get(text);
  if (known) return known;
  const server = serverOf(text);
  const partition = partitionOf(text);
  if (server === "" || partition.includes("!") || /[\u0000-\u001f]/.test(text)) throw new Bad("Badly formed arguments");
  const parts = { location: locationOf(server, partition), server, partition };
  if (locationParts.size < mostKnownLocations) locationParts.set(text, parts);
  return parts;
}

/** Reads a mailbox name. */
export function parseRecordName(text: string): MailboxName {
  const name = parseMailboxName(text);
  if (name === undefined) throw new Bad("Badly formed arguments");
  return name;
}

/** Reads an ACL. It is passed on as it came, letter by letter: what it means is for the servers that check it. */
export function parseRecordAcl(text: string): Acl {
  if (/[\u0000\r\n]/.test(text)) throw new Bad("Badly formed arguments");
  return text as Acl;
}

export function isSameRecord(one: MailboxRecord, other: MailboxRecord): boolean {
  return one.location === other.location && one.acl === other.acl && one.state === other.state;
}

/** The list entry that stands for a mailbox of another server. */
export function entryOf(record: MailboxRecord): MailboxEntry {
  const { server, partition } = partsOf(record.location);
  return {
    name: record.name,
    uniqueId: noUniqueId,
    server,
    partition,
    acl: record.acl,
    state: record.state,
    uidValidity: 0,
  };
}

/**
 * The record that announces a list entry; undefined for tombstones. `ownServer` names this server, for its own mailboxes.
 * A moving mailbox is announced as reserved: it is nowhere for now (seed 3.7).
 */
export function recordOf(entry: MailboxEntry, ownServer: string): MailboxRecord | undefined {
  if (entry.state === "deleted") return undefined;
  const isActive = entry.state === "active";
  return {
    name: entry.name,
    location: locationOf(entry.server || ownServer, entry.partition),
    acl: isActive ? entry.acl : emptyAcl,
    state: isActive ? "active" : "reserved",
  };
}

/** Wire text (one character per octet) as text. */
export function textFromWire(wire: string): string {
  return isAscii(wire) ? wire : decodeUtf8(fromLatin1(wire));
}

/** Text as wire text. */
export function wireFromText(text: string): string {
  return isAscii(text) ? text : latin1(asBuffer(encodeUtf8(text)));
}

const nonAscii = /[^\u0000-\u007f]/;

function isAscii(text: string): boolean {
  return !nonAscii.test(text);
}
