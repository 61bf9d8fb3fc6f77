// LIST and LSUB patterns (RFC 9051 §6.3.9): "*" matches anything, "%" anything within one level. A pattern is compiled
// once and asked for every name. Matching is on external names and takes time bounded by name × pattern length.

/** A compiled pattern. */
export interface ListMatcher {
  /** What every matching name starts with, but for the case of INBOX: the scan can begin there. */
  readonly literal: string;
  /** Whether the pattern has no wildcard: at most one name matches. */
  readonly isLiteral: boolean;
  /** How many separators matching names have, of several patterns the most; undefined when "*" leaves that open. */
  readonly separators: number | undefined;
  matches(name: string): boolean;
  /** Names above `name` that match, the highest first: levels that may not exist as mailboxes (RFC 9051 §6.3.9.7). */
  matchingAncestors(name: string): readonly string[];
}

/** Longer patterns are cut off by the parser's limits; this bounds the work of one match whatever those are. */
const maxPatternLength = 4096;

/** `reference` and `pattern` as a LIST command has them; the pattern is interpreted below the reference. */
export function compileListPattern(reference: string, pattern: string, separator: string): ListMatcher {
  const whole = (reference + pattern).slice(0, maxPatternLength);
  // "**" and "*%" say no more than "*": fewer wildcards, less to try.
  const canonical = whole.replace(/[*%]*\*[*%]*/g, "*").replace(/%+/g, "%");
  const plain = matcherOf(canonical, separator);
  const folded = matcherOf(foldInbox(canonical, separator), separator);
  const matches = (name: string) => plain(name) || (isInboxTree(name, separator) && folded(name));
  const wildcard = canonical.search(/[*%]/);
  return {
    literal: wildcard < 0 ? canonical : canonical.slice(0, wildcard),
    isLiteral: wildcard < 0,
    separators: canonical.includes("*") ? undefined : canonical.split(separator).length - 1,
    matches,
    matchingAncestors(name) {
      const found: string[] = [];
      for (let cut = name.indexOf(separator); cut > 0; cut = name.indexOf(separator, cut + 1)) {
        const ancestor = name.slice(0, cut);
        if (matches(ancestor)) found.push(ancestor);
      }
      return found;
    },
  };
}

/** Matches what any of `matchers`, at least one, matches. */
export function uniteMatchers(matchers: readonly ListMatcher[]): ListMatcher {
  const [first] = matchers;
  if (first && matchers.length === 1) return first;
  const separators = matchers.map((each) => each.separators ?? Number.POSITIVE_INFINITY);
  const most = Math.max(0, ...separators);
  return {
    literal: commonBeginning(matchers.map((each) => each.literal)),
    isLiteral: false,
    separators: Number.isFinite(most) ? most : undefined,
    matches: (name) => matchers.some((each) => each.matches(name)),
    matchingAncestors: (name) => [...new Set(matchers.flatMap((each) => each.matchingAncestors(name)))],
  };
}

function commonBeginning([first = "", ...others]: readonly string[]): string {
  let length = first.length;
  for (const other of others) {
    let shared = 0;
    while (shared < length && first[shared] === other[shared]) shared += 1;
    length = shared;
  }
  return first.slice(0, length);
}

function matcherOf(pattern: string, separator: string): (name: string) => boolean {
  const first = pattern.search(/[*%]/);
  if (first < 0) return (name) => name === pattern;
  const head = pattern.slice(0, first);
  if (pattern === "*") return () => true;
  if (first === pattern.length - 1) {
    if (pattern[first] === "*") return (name) => name.startsWith(head);
    return (name) => name.startsWith(head) && !name.includes(separator, head.length);
  }
  return (name) => name.startsWith(head) && matchGeneral(pattern, name, separator);
}

/**
 * Greedy matching with two points to come back to: the last "*" and the last "%" behind it. Extending the last wildcard
 * by one is always enough, since an earlier one that took more would leave the later ones less.
 */
function matchGeneral(pattern: string, name: string, separator: string): boolean {
  let at = 0;
  let inPattern = 0;
  let star: Resume | undefined;
  let percent: Resume | undefined;
  for (;;) {
    const symbol = pattern[inPattern];
    if (symbol === "*") {
      star = { afterWildcard: inPattern + 1, at };
      percent = undefined;
      inPattern += 1;
    } else if (symbol === "%") {
      percent = { afterWildcard: inPattern + 1, at };
      inPattern += 1;
    } else if (at === name.length && symbol === undefined) {
      return true;
    } else if (at < name.length && symbol === name[at]) {
      inPattern += 1;
      at += 1;
    } else if (percent && percent.at < name.length && name[percent.at] !== separator) {
      percent.at += 1;
      at = percent.at;
      inPattern = percent.afterWildcard;
    } else if (star && star.at < name.length) {
      star.at += 1;
      at = star.at;
      inPattern = star.afterWildcard;
      percent = undefined;
    } else {
      return false;
    }
  }
}

/** Where a wildcard's matching continues when it takes one character more. */
interface Resume {
  readonly afterWildcard: number;
  at: number;
}

function isInboxTree(name: string, separator: string): boolean {
  return name.startsWith("INBOX") && (name.length === 5 || name[5] === separator);
}

/** INBOX is matched in any case: as much of the pattern's literal beginning as spells it is put in capitals. */
function foldInbox(pattern: string, separator: string): string {
  let length = 0;
  while (length < 5 && pattern[length]?.toUpperCase() === "INBOX"[length]) length += 1;
  const follower = pattern[length];
  const endsHere = length === 5 && (follower === undefined || follower === separator);
  return endsHere || follower === "*" || follower === "%" ? "INBOX".slice(0, length) + pattern.slice(length) : pattern;
}
