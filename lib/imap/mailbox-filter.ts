// The mailboxes that the filters of ESEARCH and NOTIFY stand for (RFC 5465 §6, RFC 7377 §2.1), wherever they are. What the
// user may not know of or may not use is passed over without a word, and so are names that are no mailbox: after the
// master was asked. Not knowing is refused.

import { No } from "../base/fault.ts";
import { TimeSlice } from "../base/time-slice.ts";
import { hasRight, Right } from "../mailbox/acl.ts";
import type { MailboxEntry } from "../mailbox/list.ts";
import { isBelow, type MailboxName } from "../mailbox/name.ts";
import { isInUse, isVisible, requireCompleteList, rightsOf } from "./access.ts";
import { entriesFrom, internalIfAny } from "./listing.ts";
import type { MailboxFilter, NamingFilter } from "./parse/mailbox-filter.ts";
import type { Session } from "./session.ts";
import { subscribedNames } from "./subscribed-names.ts";

/**
 * The mailboxes, each once, in the order of the filters. `needed` are the rights that the user must have besides the
 * right to look up those that he does not name. "selected" is the caller's business: it yields nothing here. Throws
 * No("UNAVAILABLE") when not everything is known that has to be.
 */
export async function mailboxesOf(
  session: Session,
  filters: readonly MailboxFilter[],
  needed: number = Right.read,
): Promise<readonly MailboxEntry[]> {
  const found = new Map<MailboxName, MailboxEntry>();
  const slice = new TimeSlice(session.server.clock);
  const names = new Names(session, needed);
  for (const filter of filters) {
    for await (const entry of entriesOf(session, filter, needed, names)) {
      if (entry && !found.has(entry.name)) found.set(entry.name, entry);
      if (slice.isOver) await slice.next();
    }
  }
  return [...found.values()];
}

/** Whether the filter stands for the mailbox of that name; rights are not looked at. `subscribed` as it is now. */
export function isMailboxOf(
  session: Session,
  filter: MailboxFilter,
  name: MailboxName,
  subscribed: ReadonlySet<MailboxName>,
): boolean {
  switch (filter.kind) {
    case "selected":
    case "selected-delayed":
      return false;
    case "inboxes":
    case "personal":
      return isPersonal(session, name);
    case "subscribed":
      return subscribed.has(name);
    default:
      return isNamed(session, filter, session.namespace.toExternal(name));
  }
}

function isNamed(session: Session, { kind, names }: NamingFilter, shown: string): boolean {
  return names.some((name) => {
    const root = rootOf(session, name);
    if (shown === root) return true;
    return kind !== "mailboxes" && isUnder(session, shown, root, kind === "subtree-one");
  });
}

function isPersonal({ namespace: { inbox } }: Session, name: MailboxName): boolean {
  return inbox !== undefined && (name === inbox || isBelow(name, inbox));
}

/** Undefined for an entry that was looked at and is none of them: the caller pauses now and then. */
async function* entriesOf(
  session: Session,
  filter: MailboxFilter,
  needed: number,
  names: Names,
): AsyncGenerator<MailboxEntry | undefined> {
  switch (filter.kind) {
    case "selected":
    case "selected-delayed":
      return;
    // Sieve files mail into any folder of a user: then "inboxes" means the same as "personal" (RFC 5465 §6.2).
    case "inboxes":
    case "personal":
      requireCompleteList(session);
      yield* personal(session, needed);
      return;
    case "subscribed":
      requireCompleteList(session);
      for (const name of await subscribedNames(session, "")) {
        const internal = internalIfAny(session, name);
        yield internal && openTo(session, session.server.list.find(internal), needed);
      }
      return;
    case "mailboxes":
      for (const name of filter.names) yield await names.find(name);
      return;
    case "subtree":
    case "subtree-one":
      requireCompleteList(session);
      for (const name of filter.names) {
        if (name !== "") yield await names.find(name);
        yield* under(session, rootOf(session, name), filter.kind === "subtree-one", needed);
      }
  }
}

function* personal(session: Session, needed: number): Generator<MailboxEntry | undefined> {
  const { inbox } = session.namespace;
  if (inbox === undefined) return;
  const { list } = session.server;
  yield openTo(session, list.find(inbox), needed);
  for (const entry of list.entries(`${inbox}.`)) yield openTo(session, entry, needed);
}

/** Found and not named: the user must have the right to hear of it. */
function openTo(session: Session, entry: MailboxEntry | undefined, needed: number): MailboxEntry | undefined {
  return entry && isVisible(session, entry) && hasRight(rightsOf(session, entry), needed) ? entry : undefined;
}

/** Finds the mailboxes that the client names. */
class Names {
  readonly #session: Session;
  readonly #needed: number;
  /** The master was asked, and nothing is missing here that it has: it need not be asked for each name. */
  #isLevel = false;

  constructor(session: Session, needed: number) {
    this.#session = session;
    this.#needed = needed;
  }

  /** Undefined where there is none that the user may use so. */
  async find(external: string): Promise<MailboxEntry | undefined> {
    const { namespace, server } = this.#session;
    const name = internalIfAny(this.#session, external);
    if (name === undefined || !namespace.isShown(name)) return undefined;
    const known = server.list.find(name);
    const entry = known && isInUse(known) ? known : await this.#locate(name, known);
    return entry && hasRight(rightsOf(this.#session, entry), this.#needed) ? entry : undefined;
  }

  async #locate(name: MailboxName, known: MailboxEntry | undefined): Promise<MailboxEntry | undefined> {
    if (this.#isLevel && !known) return undefined;
    try {
      return (await this.#session.server.router.locate(name)).entry;
    } catch (fault) {
      if (!(fault instanceof No && fault.code === "NONEXISTENT")) throw fault;
      this.#isLevel = true;
      return undefined;
    }
  }
}

/** What is below a name in the hierarchy as the user sees it; the name itself need not be a mailbox. */
function* under(
  session: Session,
  root: string,
  isOneLevel: boolean,
  needed: number,
): Generator<MailboxEntry | undefined> {
  const literal = root === "" ? "" : root + session.namespace.separator;
  for (const entry of entriesFrom(session, literal)) {
    const shown = session.namespace.toExternal(entry.name);
    yield isUnder(session, shown, root, isOneLevel) ? openTo(session, entry, needed) : undefined;
  }
}

function isUnder({ namespace: { separator } }: Session, shown: string, root: string, isOneLevel: boolean): boolean {
  const head = root === "" ? "" : root + separator;
  return shown.startsWith(head) && !(isOneLevel && shown.includes(separator, head.length));
}

/** As names are shown: INBOX is understood in any case. */
function rootOf(session: Session, external: string): string {
  const name = internalIfAny(session, external);
  return name === undefined ? external : session.namespace.toExternal(name);
}
