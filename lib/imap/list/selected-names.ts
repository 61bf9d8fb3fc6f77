// LIST with selection options (RFC 5258 §3.1): of some names, those that the patterns match, whether they are mailboxes or
// not; with RECURSIVEMATCH also the levels above them that the patterns match, with what lies below in CHILDINFO.

import type { ListMatcher } from "../../mailbox/match.ts";
import { findVisible, hasVisibleBelow, type ListedMailbox } from "../listing.ts";
import type { Session } from "../session.ts";

export interface SelectedMailbox extends ListedMailbox {
  /** Something that is selected lies below it, whether the patterns match that or not. */
  readonly isAboveSelected: boolean;
}

/** In the order of their names. `selected` is as the user names mailboxes. */
export function* listSelected(
  session: Session,
  matcher: ListMatcher,
  selected: Iterable<string>,
  isRecursive: boolean,
): Generator<readonly SelectedMailbox[]> {
  const found = new Map<string, { isAboveSelected: boolean }>();
  for (const name of selected) {
    if (matcher.matches(name) && !found.has(name)) found.set(name, { isAboveSelected: false });
    if (!isRecursive) continue;
    for (const level of matcher.matchingAncestors(name)) found.set(level, { isAboveSelected: true });
  }
  for (const [external, { isAboveSelected }] of [...found].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const hasChildren = hasVisibleBelow(session, external);
    yield [{ external, entry: findVisible(session, external), hasChildren, isAboveSelected }];
  }
}
