// The arguments of NOTIFY (RFC 5465 §8). What this server cannot notice is refused with the list of what it can.

import { Bad, No } from "../../base/fault.ts";
import type { Reader } from "../../wire/reader.ts";
import { type EventGroup, Events, messageEvents } from "../notify/event-groups.ts";
import { type FetchItem, readFetchItems } from "./fetch.ts";
import { isOfSelected, readMailboxFilter } from "./mailbox-filter.ts";

export type NotifyArgs = "none" | NotifySet;

export interface NotifySet {
  readonly wantsStatus: boolean;
  readonly groups: readonly EventGroup[];
}

/** Those that this server tells of, as the RFC writes them. */
const eventNames = [
  ...(["MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange"] as const),
  ...(["MailboxMetadataChange", "ServerMetadataChange"] as const),
] as const;
type EventName = (typeof eventNames)[number];

const bits: Readonly<Record<EventName, number>> = {
  MessageNew: Events.messages,
  MessageExpunge: Events.messages,
  FlagChange: Events.flags,
  MailboxName: Events.names,
  SubscriptionChange: Events.subscriptions,
  MailboxMetadataChange: Events.metadata,
  ServerMetadataChange: Events.serverMetadata,
};

/** Asked for with those of messages, and told by nobody here. */
const annotationChange = "ANNOTATIONCHANGE";

export function notifyArgs(reader: Reader): NotifyArgs {
  reader.space();
  const word = reader.keyword();
  if (word === "NONE") {
    reader.end();
    return "none";
  }
  if (word !== "SET") throw new Bad(`Expected SET or NONE, not "${word}"`);
  reader.space();
  const wantsStatus = reader.peekKeyword() === "STATUS";
  if (wantsStatus) {
    reader.keyword();
    reader.space();
  }
  const groups: GroupRead[] = [];
  do groups.push(readGroup(reader));
  while (reader.skip(" "));
  reader.end();
  if (groups.filter(({ group }) => isOfSelected(group.filter)).length > 1) {
    throw new Bad("More than one group of events for the selected mailbox");
  }
  if (groups.some(({ hasUnknown }) => hasUnknown)) {
    throw new No(`BADEVENT (${eventNames.join(" ")})`, "This server does not notify of all of these events");
  }
  return { wantsStatus, groups: groups.map(({ group }) => group) };
}

interface GroupRead {
  readonly group: EventGroup;
  readonly hasUnknown: boolean;
}

function readGroup(reader: Reader): GroupRead {
  reader.expect("(");
  const filter = readMailboxFilter(reader);
  reader.space();
  const read = readEvents(reader);
  reader.expect(")");
  const { names, attributes, attributesText } = read;
  requireSense(names, isOfSelected(filter));
  let events = 0;
  for (const name of eventNames) if (names.has(name.toUpperCase())) events |= bits[name];
  const known = new Set<string>(eventNames.map((name) => name.toUpperCase()));
  const hasUnknown = [...names].some((name) => !known.has(name));
  return { group: { filter, events, attributes, attributesText }, hasUnknown };
}

interface EventsRead {
  readonly names: ReadonlySet<string>;
  readonly attributes: readonly FetchItem[];
  readonly attributesText: string;
}

function readEvents(reader: Reader): EventsRead {
  const names = new Set<string>();
  let attributes: readonly FetchItem[] = [];
  let attributesText = "";
  if (reader.peek() !== "(") {
    if (reader.keyword() !== "NONE") throw new Bad("Expected a list of events or NONE");
    return { names, attributes, attributesText };
  }
  reader.expect("(");
  do {
    const name = reader.keyword();
    names.add(name);
    if (name !== "MESSAGENEW" || !isAttributesNext(reader)) continue;
    const text = reader.written(() => {
      attributes = readFetchItems(reader);
    });
    if (text === undefined) throw new No("CANNOT", "Literals are not possible in what is to be told of new messages");
    attributesText = text;
  } while (reader.skip(" "));
  reader.expect(")");
  return { names, attributes, attributesText };
}

/** "MessageNew (UID FLAGS)": takes the space before the list. */
function isAttributesNext(reader: Reader): boolean {
  if (!reader.isNext(" (")) return false;
  reader.space();
  return true;
}

/** RFC 5465 §5, §6.1. */
function requireSense(names: ReadonlySet<string>, isForSelected: boolean): void {
  const hasNew = names.has("MESSAGENEW");
  if (hasNew !== names.has("MESSAGEEXPUNGE")) throw new Bad("MessageNew and MessageExpunge need each other");
  if (!hasNew && (names.has("FLAGCHANGE") || names.has(annotationChange))) {
    throw new Bad("FlagChange and AnnotationChange need MessageNew and MessageExpunge");
  }
  if (!isForSelected) return;
  for (const name of eventNames) {
    if (names.has(name.toUpperCase()) && (bits[name] & messageEvents) === 0) {
      throw new Bad(`"${name}" is not an event of the selected mailbox`);
    }
  }
}
