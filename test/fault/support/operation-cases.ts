// The operations of the fault matrix: what stands before each, what the client says and where, and what must be true of the
// mailboxes afterwards. A case works on names of its own: a folder below somebody's INBOX, or a whole user.

import type { ImapWire } from "../../support/imap-wire.ts";
import { administrator, type Backend, type Node, users } from "./fault-murder.ts";
import type { Inspection } from "./invariants.ts";

/** "lost": the connection ended before there was an answer. */
export type Answer = "OK" | "NO" | "lost";

export interface OperationCase {
  readonly title: string;
  readonly backend: Backend;
  /** Whose folders they are; undefined: users of the case's own, whom the administrator makes, renames and removes. */
  readonly owner: keyof typeof users | undefined;
  /** Where the client is connected. */
  readonly through: "backend" | "frontend";
  /** Mailboxes that stand before, by what follows the case's own name, with a message in each. */
  readonly before: readonly string[];
  /** `name` as the client writes it. */
  readonly command: (name: string) => string;
  readonly isDone: (state: CaseState) => boolean;
  readonly isUndone: (state: CaseState) => boolean;
  /** Names that must be free or in use afterwards, and nothing between; parents first. */
  readonly names: readonly string[];
}

/** The mailboxes of a case as its backend has them. */
export interface CaseState {
  has(suffix: string): boolean;
  acl(suffix: string): string;
}

export type Login = (node: Node, user: string) => Promise<ImapWire>;

const create = {
  before: [],
  command: (name: string) => `CREATE ${name}`,
  isDone: (state: CaseState) => state.has(""),
  isUndone: (state: CaseState) => !state.has(""),
  names: [""],
};
const setAcl = {
  before: [""],
  command: (name: string) => `SETACL ${name} bob lr`,
  isDone: (state: CaseState) => state.acl("").includes("bob\tlr\t"),
  isUndone: (state: CaseState) => state.has("") && !state.acl("").includes("bob"),
  names: [""],
};
const deleteAcl = {
  before: [""],
  command: (name: string) => `DELETEACL ${name} anyone`,
  isDone: (state: CaseState) => state.has("") && !state.acl("").includes("anyone"),
  isUndone: (state: CaseState) => state.acl("").includes("anyone"),
  names: [""],
};

function removal(names: readonly string[]) {
  return {
    before: names,
    command: (name: string) => `DELETE ${name}`,
    isDone: (state: CaseState) => !names.some(state.has),
    isUndone: (state: CaseState) => names.every(state.has),
    names,
  };
}

function renaming(names: readonly string[]) {
  const renamed = names.map((suffix) => `z${suffix}`);
  return {
    before: names,
    command: (name: string) => `RENAME ${name} ${name}z`,
    isDone: (state: CaseState) => renamed.every(state.has) && !names.some(state.has),
    isUndone: (state: CaseState) => names.every(state.has) && !renamed.some(state.has),
    names: [...names, ...renamed],
  };
}

const ofAnn = { owner: "ann", backend: users.ann } as const;
const ofCarl = { owner: "carl", backend: users.carl } as const;
const family = ["", ".a", ".a.b"];

export const operationCases: readonly OperationCase[] = [
  { title: "CREATE", ...ofAnn, through: "backend", ...create },
  { title: "DELETE immediate", ...ofCarl, through: "backend", ...removal([""]) },
  { title: "DELETE delayed", ...ofAnn, through: "backend", ...removal([""]) },
  { title: "RENAME with children", ...ofAnn, through: "backend", ...renaming(family) },
  { title: "RENAME of a user", owner: undefined, backend: "backend1", through: "backend", ...renaming(["", ".a"]) },
  {
    title: "DELETE of a user, immediate",
    owner: undefined,
    backend: "backend2",
    through: "backend",
    ...removal(["", ".a"]),
    // One mailbox after the other, the INBOX last: as long as that is there, DELETE can be said again.
    isUndone: (state) => state.has(""),
  },
  {
    title: "DELETE of a user, delayed",
    owner: undefined,
    backend: "backend1",
    through: "backend",
    ...removal(["", ".a"]),
  },
  { title: "SETACL", ...ofAnn, through: "backend", ...setAcl },
  { title: "DELETEACL", ...ofAnn, through: "backend", ...deleteAcl },
  { title: "CREATE by frontend", ...ofAnn, through: "frontend", ...create },
  { title: "DELETE immediate by frontend", ...ofCarl, through: "frontend", ...removal([""]) },
  { title: "DELETE delayed by frontend", ...ofAnn, through: "frontend", ...removal([""]) },
  { title: "RENAME with children by frontend", ...ofAnn, through: "frontend", ...renaming(family) },
  { title: "SETACL by frontend", ...ofAnn, through: "frontend", ...setAcl },
];

const message = "From: a@example.org\r\nSubject: kept\r\n\r\nbody\r\n";

/** The case's name in lists, and as its client writes it. */
export function namesOf({ owner }: OperationCase, own: string) {
  return owner === undefined
    ? { internal: `user.${own}`, external: `user.${own}`, client: administrator }
    : { internal: `user.${owner}.${own}`, external: `INBOX.${own}`, client: owner };
}

/** Makes what stands before the operation. */
export async function prepareCase({ owner, backend, before }: OperationCase, login: Login, own: string): Promise<void> {
  if (before.length === 0) return;
  if (owner === undefined) {
    using admin = await login(backend, administrator);
    await admin.ok(`CREATE user.${own}`);
  }
  using session = await login(backend, owner ?? own);
  for (const suffix of before) {
    const mailbox = mailboxOf(owner, own, suffix).path;
    if (mailbox !== "INBOX") await session.ok(`CREATE ${mailbox}`);
    await session.append(mailbox, message);
    await session.ok(`SETACL ${mailbox} anyone lrs`);
    if (owner === undefined) await session.ok(`SETACL ${mailbox} ${administrator} lrswipkxtea`);
  }
}

/** What is wrong with the outcome; the murder has healed. `internal` is the case's own name in lists. */
export function judgeOutcome(each: OperationCase, inspection: Inspection, internal: string, answer: Answer): string[] {
  const state: CaseState = {
    has: (suffix) => inspection.entry(each.backend, internal + suffix) !== undefined,
    acl: (suffix) => inspection.entry(each.backend, internal + suffix)?.acl ?? "",
  };
  const isDone = each.isDone(state);
  const isUndone = each.isUndone(state);
  if (answer === "OK" && !isDone) return ["the client was told OK and it is not done"];
  if (answer === "NO" && !isUndone) return ["the client was told NO and something changed"];
  return isDone || isUndone ? [] : ["it is done by halves"];
}

/** Every name of the case can be made and opened by a client of the frontend; what was kept has its message. */
export async function judgeNames(each: OperationCase, login: Login, own: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const suffix of each.names) {
    const { user, path } = mailboxOf(each.owner, own, suffix);
    const isInbox = path === "INBOX";
    // Users are made by the administrator, where they shall be.
    using maker = await (isInbox ? login(each.backend, administrator) : login("frontend", user));
    const made = await maker.command(`CREATE ${isInbox ? `user.${user}` : path}`);
    const isThere = made.text.startsWith("[ALREADYEXISTS]");
    if (made.status !== "OK" && !isThere) wrong.push(`${user}'s ${path} cannot be made: ${made.text}`);
    using client = await login("frontend", user);
    const opened = await client.command(`EXAMINE ${path}`);
    if (opened.status !== "OK") wrong.push(`${user}'s ${path} cannot be opened: ${opened.text}`);
    else if (isThere && each.before.length > 0 && !opened.untagged.includes("1 EXISTS")) {
      wrong.push(`${user}'s ${path} has lost its message`);
    }
  }
  return wrong;
}

/** A mailbox of a case as its owner knows it. */
function mailboxOf(
  owner: string | undefined,
  own: string,
  suffix: string,
): { readonly user: string; readonly path: string } {
  if (owner !== undefined) return { user: owner, path: `INBOX.${own}${suffix}` };
  const [user = "", ...below] = `${own}${suffix}`.split(".");
  return { user, path: ["INBOX", ...below].join(".") };
}
