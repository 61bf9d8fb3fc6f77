// What LIST shows (RFC 3501 §6.3.8): the mailboxes of the local list that match a pattern and that the user may look up,
// with \HasChildren or \HasNoChildren (RFC 3348), and levels above them that are no mailboxes. No other server is asked
// (S113, S160). Costs what the user can see below the pattern's literal beginning, not what the murder holds, and passes
// over what lies deeper than the pattern reaches.

import { No } from "../base/fault.ts";
import type { MailboxEntry } from "../mailbox/list.ts";
import { compileListPattern, type ListMatcher, uniteMatchers } from "../mailbox/match.ts";
import { type MailboxName, requireMailboxName } from "../mailbox/name.ts";
import { isVisible } from "./access.ts";
import type { ListArgs } from "./parse/list.ts";
import type { Session } from "./session.ts";

export interface ListedMailbox {
  readonly external: string;
  /** Undefined for a level that is no mailbox, or none that the user may look up. */
  readonly entry: MailboxEntry | undefined;
  readonly hasChildren: boolean;
}

/** What a LIST yields after every entry looked at: what that settled, mostly one mailbox. The caller pauses now and then. */
export type Settled = Generator<readonly ListedMailbox[]>;

/** The matcher of a command's arguments, with the options that bend them. */
export function matcherOf(session: Session, { reference, pattern }: ListArgs): ListMatcher {
  const { ignorereference, foolstupidclients } = session.server.config;
  const isEverything = foolstupidclients && reference === "" && pattern === "*";
  const { separator } = session.namespace;
  return compileListPattern(ignorereference ? "" : reference, isEverything ? "INBOX*" : pattern, separator);
}

export function listMailboxes(session: Session, args: ListArgs): Settled {
  const matcher = matcherOf(session, args);
  if (matcher.isLiteral) return listLiterals(session, [matcher]);
  return listMatching(session, matcher, args.pattern.endsWith("%") ? matcher : undefined);
}

/** What any of the patterns matches, each mailbox once. */
export function* listSeveral(session: Session, reference: string, patterns: readonly string[]): Settled {
  const all = patterns.map((pattern) => ({ pattern, matcher: matcherOf(session, { reference, pattern }) }));
  const wild = all.filter(({ matcher }) => !matcher.isLiteral);
  const levels = wild.filter(({ pattern }) => pattern.endsWith("%"));
  const union = uniteMatchers(wild.map(({ matcher }) => matcher));
  const literals = all.map(({ matcher }) => matcher).filter(({ isLiteral }) => isLiteral);
  yield* listLiterals(session, literals, (external) => wild.length > 0 && union.matches(external));
  if (wild.length === 0) return;
  yield* listMatching(
    session,
    union,
    levels.length > 0 ? uniteMatchers(levels.map((each) => each.matcher)) : undefined,
  );
}

function* listMatching(session: Session, matcher: ListMatcher, levels: ListMatcher | undefined): Settled {
  const listing = new Listing(session, matcher, levels);
  for (const prefix of session.namespace.scanPrefixes(matcher.literal)) {
    for (const entry of ownEntries(session, prefix)) yield listing.pass(entry);
    yield* listOthers(session, prefix, listing);
    yield listing.finish();
  }
}

/**
 * Entries among which is every mailbox that the user may look up and that is shown with a name starting with `literal`.
 * Safe to step through slowly.
 */
export function* entriesFrom(session: Session, literal: string): Generator<MailboxEntry> {
  for (const prefix of session.namespace.scanPrefixes(literal)) {
    yield* ownEntries(session, prefix);
    yield* otherEntries(session, prefix, prefix);
  }
}

/** Entries in a row that are read and not looked at, before the next that matters is looked for. */
const mostPassedOver = 64;

function* listOthers(session: Session, prefix: string, listing: Listing): Settled {
  for (let from: string | undefined = prefix; from !== undefined; ) {
    let next: string | undefined;
    let passedOver = 0;
    for (const entry of otherEntries(session, prefix, from)) {
      if (entry.name >= listing.goesOnAt) {
        passedOver = 0;
        yield listing.pass(entry);
        continue;
      }
      passedOver += 1;
      yield nothing;
      if (passedOver < mostPassedOver) continue;
      next = listing.goesOnAt;
      break;
    }
    from = next;
  }
}

/** Entries of the user's own tree that start with `prefix`; an administrator has none apart from the others. */
function* ownEntries({ user, server, namespace }: Session, prefix: string): Generator<MailboxEntry> {
  const { inbox } = namespace;
  if (inbox === undefined || user.isAdmin) return;
  const own = inbox.startsWith(prefix) ? server.list.find(inbox) : undefined;
  if (own) yield own;
  const below = `${inbox}.`;
  if (below.startsWith(prefix)) yield* server.list.entries(below);
  else if (prefix.startsWith(below)) yield* server.list.entries(prefix);
}

/** All others that start with `prefix`, from `from` on, and whose ACL may let the user see them. */
function* otherEntries(session: Session, prefix: string, from: string): Generator<MailboxEntry> {
  const { list } = session.server;
  if (session.user.isAdmin) {
    yield* list.entries(prefix, from);
    return;
  }
  const { inbox } = session.namespace;
  for (const entry of list.grantedTo(session.rights.identifiers, prefix, from)) {
    if (entry.name !== inbox && !entry.name.startsWith(`${inbox}.`)) yield entry;
  }
}

const dot = 0x2e;
const nothing: readonly ListedMailbox[] = [];

/** A mailbox that matched and waits to be known to have children. */
interface Waiting {
  readonly entry: MailboxEntry;
  readonly external: string;
}

/**
 * Takes entries in name order. What is below "a" does not follow it at once ("a-b" stands between), so matches wait on a
 * stack; it never holds more than the names that begin one another.
 */
class Listing {
  readonly #session: Session;
  readonly #matcher: ListMatcher;
  /** Matches the levels that are wanted: patterns with "%" at their end ask for them. */
  readonly #levelMatcher: ListMatcher | undefined;
  readonly #levels = new Set<string>();
  /** Neighbours have the same levels above them. */
  #lastParent = "";
  /** INBOX, where the user's folders stand beside it and not below (altnamespace). */
  readonly #childless: MailboxName | undefined;
  #waiting: Waiting[] = [];
  #goesOnAt = "";

  constructor(session: Session, matcher: ListMatcher, levels: ListMatcher | undefined) {
    this.#session = session;
    this.#matcher = matcher;
    this.#levelMatcher = levels;
    this.#childless = hasFoldersBelowInbox(session) ? undefined : session.namespace.inbox;
  }

  /** Names before this need not be passed: they lie below what was passed last, and deeper than the pattern reaches. */
  get goesOnAt(): string {
    return this.#goesOnAt;
  }

  /** Returns what is settled now. Called for every entry of the murder by an administrator: makes little garbage. */
  pass(entry: MailboxEntry): readonly ListedMailbox[] {
    if (!isVisible(this.#session, entry)) return nothing;
    const settled = this.#settle(entry.name);
    const external = this.#session.namespace.toExternal(entry.name);
    const levels = this.#levelMatcher ? this.#newLevels(this.#levelMatcher, external) : nothing;
    if (this.#matcher.matches(external)) this.#waiting.push({ entry, external });
    const deepest = this.#deepestLevel(external);
    if (deepest !== undefined) this.#goesOnAt = this.#session.namespace.endOfLevel(deepest, entry.name) ?? "";
    return levels.length === 0 ? settled : [...settled, ...levels];
  }

  /** Nothing that comes now can be below what waits. */
  finish(): readonly ListedMailbox[] {
    const settled = this.#waiting.map(({ external, entry }) => ({ external, entry, hasChildren: false }));
    this.#waiting = [];
    return settled;
  }

  /** The level above below which nothing can match; undefined when the pattern reaches further than the name. */
  #deepestLevel(external: string): string | undefined {
    const { separators } = this.#matcher;
    if (separators === undefined) return undefined;
    const { separator } = this.#session.namespace;
    let cut = external.indexOf(separator);
    for (let above = 0; above < separators && cut >= 0; above += 1) cut = external.indexOf(separator, cut + 1);
    return cut < 0 ? undefined : external.slice(0, cut);
  }

  /** Takes from the stack everything for which `name` decides whether it has children. */
  #settle(name: MailboxName): readonly ListedMailbox[] {
    let settled: ListedMailbox[] | undefined;
    for (let top = this.#waiting.at(-1); top; top = this.#waiting.at(-1)) {
      const above = top.entry.name;
      const isAfter = name.startsWith(above);
      const hasChildren = isAfter && name.charCodeAt(above.length) === dot;
      // Names that go on with a character before "." come before the children: the question stays open.
      if (isAfter && name.charCodeAt(above.length) < dot) break;
      this.#waiting.pop();
      settled ??= [];
      settled.push({
        external: top.external,
        entry: top.entry,
        hasChildren: hasChildren && above !== this.#childless,
      });
    }
    return settled ?? nothing;
  }

  /** Levels above that match the pattern and are no mailboxes (RFC 3501 §6.3.8), each once. Hot path. */
  #newLevels(matcher: ListMatcher, external: string): readonly ListedMailbox[] {
    const parent = external.slice(0, Math.max(0, external.lastIndexOf(this.#session.namespace.separator)));
    if (parent === this.#lastParent) return nothing;
    this.#lastParent = parent;
    const found = matcher.matchingAncestors(external).filter((level) => !this.#levels.has(level));
    for (const level of found) this.#levels.add(level);
    return found
      .filter((level) => !findVisible(this.#session, level))
      .map((level) => ({ external: level, entry: undefined, hasChildren: true }));
  }
}

/** Patterns without wildcards: a lookup each. Passes over what is shown anyway. */
function* listLiterals(
  session: Session,
  matchers: readonly ListMatcher[],
  isShownAnyway: (external: string) => boolean = () => false,
): Settled {
  const shown = new Set<MailboxName>();
  for (const matcher of matchers) {
    const entry = findVisible(session, matcher.literal);
    if (!entry || shown.has(entry.name)) continue;
    shown.add(entry.name);
    const external = session.namespace.toExternal(entry.name);
    if (!matcher.matches(external) || isShownAnyway(external)) continue;
    yield [{ external, entry, hasChildren: hasVisibleChildren(session, entry.name) }];
  }
}

/** The mailbox of that external name, if the user may look it up. */
export function findVisible(session: Session, external: string): MailboxEntry | undefined {
  const name = internalIfAny(session, external);
  const entry = name === undefined ? undefined : session.server.list.find(name);
  return entry && isVisible(session, entry) ? entry : undefined;
}

/** Undefined for a text that can name no mailbox, such as the level above other users' ones. */
export function internalIfAny(session: Session, external: string): MailboxName | undefined {
  try {
    return session.namespace.toInternal(external);
  } catch (fault) {
    if (fault instanceof No) return undefined;
    throw fault;
  }
}

function hasVisibleChildren(session: Session, name: MailboxName): boolean {
  if (name === session.namespace.inbox && !hasFoldersBelowInbox(session)) return false;
  const below = `${name}.`;
  for (const entry of ownEntries(session, below)) if (isVisible(session, entry)) return true;
  for (const entry of otherEntries(session, below, below)) if (isVisible(session, entry)) return true;
  return false;
}

/** Whether the user may look up anything below a level, be that a mailbox or not. */
export function hasVisibleBelow(session: Session, level: string): boolean {
  const { namespace } = session;
  const below = level + namespace.separator;
  for (const prefix of namespace.scanPrefixes(below)) {
    for (const entries of [ownEntries(session, prefix), otherEntries(session, prefix, prefix)]) {
      for (const entry of entries) {
        if (isVisible(session, entry) && namespace.toExternal(entry.name).startsWith(below)) return true;
      }
    }
  }
  return false;
}

/** False where the user's folders are shown beside INBOX (altnamespace). */
function hasFoldersBelowInbox({ namespace }: Session): boolean {
  const { inbox, separator } = namespace;
  if (inbox === undefined || namespace.toExternal(inbox) !== "INBOX") return true;
  return namespace.toExternal(requireMailboxName(`${inbox}.x`)).startsWith(`INBOX${separator}`);
}
