// What LIST shows (RFC 3501 §6.3.8): the mailboxes of the local list that match a pattern and that the user may look up,
// with \HasChildren or \HasNoChildren (RFC 3348), and levels above them that are no mailboxes. No other server is asked
// (S113, S160). Costs what the user can see below the pattern's literal beginning, not what the murder holds.

import { No } from "../base/fault.ts";
import type { MailboxEntry } from "../mailbox/list.ts";
import { compileListPattern, type ListMatcher } from "../mailbox/match.ts";
import { type MailboxName, requireMailboxName } from "../mailbox/name.ts";
import { isVisible } from "./access.ts";
import type { ListArgs } from "./parse/list.ts";
import type { Session } from "./session.ts";

export interface ListedMailbox {
  readonly external: string;
  readonly isSelectable: boolean;
  readonly hasChildren: boolean;
}

/** The matcher of a command's arguments, with the options that bend them. */
export function matcherOf(session: Session, { reference, pattern }: ListArgs): ListMatcher {
  const { ignorereference, foolstupidclients } = session.server.config;
  const isEverything = foolstupidclients && reference === "" && pattern === "*";
  const { separator } = session.namespace;
  return compileListPattern(ignorereference ? "" : reference, isEverything ? "INBOX*" : pattern, separator);
}

/** Yields matches, and undefined for entries without one: the caller counts both and pauses now and then. */
export function* listMailboxes(session: Session, args: ListArgs): Generator<ListedMailbox | undefined> {
  const matcher = matcherOf(session, args);
  if (matcher.isLiteral) {
    yield findLiteral(session, matcher);
    return;
  }
  const listing = new Listing(session, matcher, args.pattern.endsWith("%"));
  for (const prefix of session.namespace.scanPrefixes(matcher.literal)) {
    for (const entry of grantedEntries(session, prefix)) yield* listing.pass(entry);
    yield* listing.finish();
  }
}

/**
 * Entries that start with `prefix` and whose ACL may let the user see them: his own tree, then what is granted to him;
 * for administrators everything.
 */
function* grantedEntries(session: Session, prefix: string): Generator<MailboxEntry> {
  const { list } = session.server;
  const { inbox } = session.namespace;
  if (session.user.isAdmin) return yield* list.entries(prefix);
  const below = `${inbox}.`;
  if (inbox !== undefined) {
    const own = inbox.startsWith(prefix) ? list.find(inbox) : undefined;
    if (own) yield own;
    if (below.startsWith(prefix)) yield* list.entries(below);
    else if (prefix.startsWith(below)) yield* list.entries(prefix);
  }
  for (const entry of list.grantedTo(session.rights.identifiers, prefix)) {
    if (entry.name !== inbox && !entry.name.startsWith(below)) yield entry;
  }
}

/** A mailbox that matched and waits to be known to have children. */
interface Waiting {
  readonly name: MailboxName;
  readonly external: string;
}

/**
 * Takes entries in name order. What is below "a" does not follow it at once ("a-b" stands between), so matches wait on a
 * stack; it never holds more than the names that begin one another.
 */
class Listing {
  readonly #session: Session;
  readonly #matcher: ListMatcher;
  readonly #wantsLevels: boolean;
  readonly #levels = new Set<string>();
  /** INBOX, where the user's folders stand beside it and not below (altnamespace). */
  readonly #childless: MailboxName | undefined;
  #waiting: Waiting[] = [];

  constructor(session: Session, matcher: ListMatcher, wantsLevels: boolean) {
    this.#session = session;
    this.#matcher = matcher;
    this.#wantsLevels = wantsLevels;
    this.#childless = hasFoldersBelowInbox(session) ? undefined : session.namespace.inbox;
  }

  *pass(entry: MailboxEntry): Generator<ListedMailbox | undefined> {
    if (!isVisible(this.#session, entry)) return yield undefined;
    yield* this.#resolve(entry.name);
    const external = this.#session.namespace.toExternal(entry.name);
    if (this.#wantsLevels) yield* this.#newLevels(external);
    if (!this.#matcher.matches(external)) yield undefined;
    else if (entry.name === this.#childless) yield { external, isSelectable: true, hasChildren: false };
    else this.#waiting.push({ name: entry.name, external });
  }

  /** Nothing that comes now can be below what waits. */
  *finish(): Generator<ListedMailbox> {
    for (const { external } of this.#waiting) yield { external, isSelectable: true, hasChildren: false };
    this.#waiting = [];
  }

  /** Settles everything for which `name` decides whether it has children. */
  *#resolve(name: MailboxName): Generator<ListedMailbox> {
    for (let top = this.#waiting.at(-1); top; top = this.#waiting.at(-1)) {
      const below = `${top.name}.`;
      const hasChildren = name.startsWith(below);
      // Names that begin with the waiting one and go on with a character before "." come before its children. The own
      // tree precedes all others whatever its name: then nothing of it can follow.
      if (!hasChildren && name < below && name.startsWith(top.name)) return;
      this.#waiting.pop();
      yield { external: top.external, isSelectable: true, hasChildren };
    }
  }

  /** Levels above that match the pattern and are no mailboxes (RFC 3501 §6.3.8), each once. */
  *#newLevels(external: string): Generator<ListedMailbox> {
    for (const level of this.#matcher.matchingAncestors(external)) {
      if (this.#levels.has(level)) continue;
      this.#levels.add(level);
      if (!findVisible(this.#session, level)) yield { external: level, isSelectable: false, hasChildren: true };
    }
  }
}

/** A pattern without wildcards: one lookup. */
function findLiteral(session: Session, matcher: ListMatcher): ListedMailbox | undefined {
  const entry = findVisible(session, matcher.literal);
  if (!entry) return undefined;
  const external = session.namespace.toExternal(entry.name);
  if (!matcher.matches(external)) return undefined;
  return { external, isSelectable: true, hasChildren: hasVisibleChildren(session, entry.name) };
}

/** The mailbox of that external name, if the user may look it up. */
export function findVisible(session: Session, external: string): MailboxEntry | undefined {
  const name = internalIfAny(session, external);
  const entry = name === undefined ? undefined : session.server.list.find(name);
  return entry && isVisible(session, entry) ? entry : undefined;
}

function internalIfAny(session: Session, external: string): MailboxName | undefined {
  try {
    return session.namespace.toInternal(external);
  } catch (fault) {
    if (fault instanceof No) return undefined; // a level that can be no mailbox, such as the prefix of other users'
    throw fault;
  }
}

function hasVisibleChildren(session: Session, name: MailboxName): boolean {
  if (name === session.namespace.inbox && !hasFoldersBelowInbox(session)) return false;
  for (const entry of grantedEntries(session, `${name}.`)) if (isVisible(session, entry)) return true;
  return false;
}

/** False where the user's folders are shown beside INBOX (altnamespace). */
function hasFoldersBelowInbox({ namespace }: Session): boolean {
  const { inbox, separator } = namespace;
  if (inbox === undefined || namespace.toExternal(inbox) !== "INBOX") return true;
  return namespace.toExternal(requireMailboxName(`${inbox}.x`)).startsWith(`INBOX${separator}`);
}
