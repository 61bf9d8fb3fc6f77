// Where users' homes are, as a text says it: the two forms of Perdition's popmap. `user: server` names users,
// `expression: server` whole families of them. Which file it is from, and when it is read again, is map-file.ts.

import { Bad } from "../base/fault.ts";
import { ConfigError, describeProblem } from "../config/config-error.ts";
import { parseServerName } from "../net/address.ts";

/** Where a user's mail is. */
export interface Home {
  /** As in the mailbox list: a port in it is IMAP's. */
  readonly server: string;
  /** What he is called there; undefined: the same. */
  readonly user: string | undefined;
}

export interface UserMap {
  find(user: string): Home | undefined;
}

/** `users` is asked for names, `patterns` tried in their order. */
export type MapForm = "users" | "patterns";

export interface UserMapOptions {
  readonly form: MapForm;
  /** Capital and small letters are the same. */
  readonly ignoresCase: boolean;
}

interface Line {
  readonly line: number;
  readonly key: string;
  readonly target: string;
}

type Complain = (line: number, problem: string) => void;

/** `path` is for messages. Throws ConfigError with every line that cannot be read. */
export function parseUserMap(text: string, path: string, options: UserMapOptions): UserMap {
  const problems: string[] = [];
  const complain: Complain = (line, problem) => problems.push(describeProblem({ file: path, line }, problem));
  const read = options.form === "users" ? readUsers : readPatterns;
  const map = read(mapLines(text, forms[options.form], complain), options.ignoresCase, complain);
  if (problems.length > 0) throw new ConfigError(problems);
  return map;
}

/** `[name@]host[:port]`. Throws Bad. */
export function parseHome(target: string): Home {
  const at = target.lastIndexOf("@");
  const server = target.slice(at + 1);
  const { host } = parseServerName(server, 143);
  if (!/^[0-9A-Za-z._:%-]+$/.test(host)) throw new Bad(`"${server}" is not a server name`);
  if (at === 0) throw new Bad(`"${target}" names nobody before the "@"`);
  return { server, user: at < 0 ? undefined : target.slice(0, at) };
}

/** Key and target. In an expression a colon that does not end it is escaped, or in brackets. */
const forms: Readonly<Record<MapForm, RegExp>> = {
  users: /^([^:]+?)\s*:\s*(\S+)$/,
  patterns: /^((?:\\.|\[\^?\]?(?:\[:\w+:\]|[^\]])*\]|[^\\:[])+?)\s*:\s*(\S+)$/,
};

function* mapLines(text: string, form: RegExp, complain: Complain): Generator<Line> {
  let line = 0;
  for (const raw of text.split("\n")) {
    line += 1;
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const [, key, target] = form.exec(content) ?? [];
    if (key === undefined || target === undefined) complain(line, 'not a home (expected "user: server")');
    else yield { line, key, target };
  }
}

function readUsers(lines: Iterable<Line>, ignoresCase: boolean, complain: Complain): UserMap {
  const folded = (user: string) => (ignoresCase ? user.toLowerCase() : user);
  const homes = new Map<string, Home & { readonly line: number }>();
  for (const { line, key, target } of lines) {
    const user = folded(key);
    const first = homes.get(user);
    if (first) complain(line, `"${key}" is named twice (first in line ${first.line})`);
    else attempt(line, complain, () => homes.set(user, { ...parseHome(target), line }));
  }
  return { find: (user) => homes.get(folded(user)) };
}

function readPatterns(lines: Iterable<Line>, ignoresCase: boolean, complain: Complain): UserMap {
  const patterns: { readonly expression: RegExp; readonly target: string }[] = [];
  for (const { line, key, target } of lines) {
    attempt(line, complain, () => {
      const expression = compile(key, ignoresCase);
      checkGroups(expression, target);
      parseHome(target.replace(/\$\d/g, "x"));
      patterns.push({ expression, target });
    });
  }
  return {
    find(user) {
      for (const { expression, target } of patterns) {
        const found = expression.exec(user);
        if (found) return homeOrNone(target.replace(/\$(\d)/g, (_, group) => found[Number(group)] ?? ""));
      }
      return undefined;
    },
  };
}

/** POSIX classes are the one thing that extended regular expressions have and ours have not. */
const posixClasses: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  space: "\\s",
  xdigit: "0-9A-Fa-f",
};

function compile(source: string, ignoresCase: boolean): RegExp {
  const known = source.replace(/\[:(\w+):\]/g, (whole, name: string) => posixClasses[name] ?? whole);
  try {
    return new RegExp(known, ignoresCase ? "i" : "");
  } catch (error) {
    throw new Bad(`"${source}" is not a regular expression: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function checkGroups(expression: RegExp, target: string): void {
  const groups = new RegExp(`${expression.source}|`).exec("")!.length - 1;
  const missing = [...target.matchAll(/\$(\d)/g)].find(([, group]) => Number(group) > groups);
  if (missing) throw new Bad(`"${target}": the expression has no group for ${missing[0]}`);
}

/** What a user's name makes of a target need not be a server. */
function homeOrNone(target: string): Home | undefined {
  try {
    return parseHome(target);
  } catch {
    return undefined;
  }
}

function attempt(line: number, complain: Complain, work: () => void): void {
  try {
    work();
  } catch (fault) {
    if (!(fault instanceof Bad)) throw fault;
    complain(line, fault.message);
  }
}
