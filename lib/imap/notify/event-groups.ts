// What a client wants to hear of which mailboxes (RFC 5465 §5, §6): events as bits, and which of them a mailbox matters for.

import { Right } from "../../mailbox/acl.ts";
import type { MailboxEntry } from "../../mailbox/list.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import { isInUse, rightsOf } from "../access.ts";
import { isMailboxOf } from "../mailbox-filter.ts";
import type { FetchItem } from "../parse/fetch.ts";
import { isOfSelected, type MailboxFilter } from "../parse/mailbox-filter.ts";
import type { Session } from "../session.ts";

/** MessageNew and MessageExpunge only come together: one bit. */
export const Events = { messages: 1, flags: 2, names: 4, subscriptions: 8, metadata: 16, serverMetadata: 32 } as const;

/** Those of messages in a mailbox. */
export const messageEvents = Events.messages | Events.flags;

/** Those that the server of a mailbox tells of, and not the mailbox list. */
export const placeEvents = messageEvents | Events.metadata;

export interface EventGroup {
  readonly filter: MailboxFilter;
  /** `Events` ORed together. */
  readonly events: number;
  /** What is to be told of each new message of the selected mailbox. */
  readonly attributes: readonly FetchItem[];
  /** The same as the client wrote it, in parentheses; empty without attributes. */
  readonly attributesText: string;
}

export function selectedGroup(groups: readonly EventGroup[]): EventGroup | undefined {
  return groups.find(({ filter }) => isOfSelected(filter));
}

export function asksFor(groups: readonly EventGroup[], event: number): boolean {
  return groups.some(({ events }) => (events & event) !== 0);
}

export function dependsOnSubscriptions(groups: readonly EventGroup[]): boolean {
  return asksFor(groups, Events.subscriptions) || groups.some(({ filter }) => filter.kind === "subscribed");
}

/** The events that a mailbox of that name matters for: of all groups that it is in. */
export function interestIn(
  session: Session,
  groups: readonly EventGroup[],
  name: MailboxName,
  subscribed: ReadonlySet<MailboxName>,
): number {
  let events = 0;
  for (const group of groups) {
    if ((group.events | events) !== events && isMailboxOf(session, group.filter, name, subscribed)) {
      events |= group.events;
    }
  }
  return events;
}

/** What the client may hear of a mailbox, as far as it is not about subscriptions. */
export function eventsOf(
  session: Session,
  groups: readonly EventGroup[],
  entry: MailboxEntry,
  subscribed: ReadonlySet<MailboxName>,
): number {
  if (!isInUse(entry) || !session.namespace.isShown(entry.name)) return 0;
  if ((rightsOf(session, entry) & (Right.lookup | Right.read)) === 0) return 0;
  return interestIn(session, groups, entry.name, subscribed) & (placeEvents | Events.names);
}
