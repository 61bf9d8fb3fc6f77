// The operations of the fault matrix: what stands before each, what the client says and where, and what must be true of the
// mailboxes afterwards. A case works on names of its own, below the INBOX of its user.

import type { ImapWire } from "../../support/imap-wire.ts";
import { type Backend, users } from "./fault-murder.ts";
import type { Inspection } from "./invariants.ts";

/** "lost": the connection ended before there was an answer. */
export type Answer = "OK" | "NO" | "lost";

export interface OperationCase {
  readonly title: string;
  readonly user: keyof typeof users;
  /** Where the client is connected. */
  readonly through: "backend" | "frontend";
  /** Mailboxes that stand before, by what follows the case's own name, with a message in each. */
  readonly before: readonly string[];
  /** `name` is external: "INBOX.c1". */
  readonly command: (name: string) => string;
  /** What the client would see if it had been done, and if not; what follows the name. */
  readonly isDone: (state: CaseState) => boolean;
  readonly isUndone: (state: CaseState) => boolean;
  /** Names that must be free or in use afterwards, and nothing between. */
  readonly names: readonly string[];
}

/** The mailboxes of a case as its backend has them. */
export interface CaseState {
  has(suffix: string): boolean;
  acl(suffix: string): string;
}

const children = ["", ".a", ".a.b"];
const renamed = ["z", "z.a", "z.a.b"];

const create = {
  before: [],
  command: (name: string) => `CREATE ${name}`,
  isDone: (state: CaseState) => state.has(""),
  isUndone: (state: CaseState) => !state.has(""),
  names: [""],
};
const remove = {
  before: [""],
  command: (name: string) => `DELETE ${name}`,
  isDone: (state: CaseState) => !state.has(""),
  isUndone: (state: CaseState) => state.has(""),
  names: [""],
};
const rename = {
  before: children,
  command: (name: string) => `RENAME ${name} ${name}z`,
  isDone: (state: CaseState) => renamed.every(state.has) && !children.some(state.has),
  isUndone: (state: CaseState) => children.every(state.has) && !renamed.some(state.has),
  names: [...children, ...renamed],
};
const setAcl = {
  before: [""],
  command: (name: string) => `SETACL ${name} bob lr`,
  isDone: (state: CaseState) => state.acl("").includes("bob\tlr\t"),
  isUndone: (state: CaseState) => state.has("") && !state.acl("").includes("bob"),
  names: [""],
};

export const operationCases: readonly OperationCase[] = [
  { title: "CREATE", user: "ann", through: "backend", ...create },
  { title: "DELETE immediate", user: "carl", through: "backend", ...remove },
  { title: "DELETE delayed", user: "ann", through: "backend", ...remove },
  { title: "RENAME with children", user: "ann", through: "backend", ...rename },
  { title: "SETACL", user: "ann", through: "backend", ...setAcl },
  {
    title: "DELETEACL",
    user: "ann",
    through: "backend",
    before: [""],
    command: (name) => `DELETEACL ${name} anyone`,
    isDone: (state) => state.has("") && !state.acl("").includes("anyone"),
    isUndone: (state) => state.acl("").includes("anyone"),
    names: [""],
  },
  { title: "CREATE by frontend", user: "ann", through: "frontend", ...create },
  { title: "DELETE immediate by frontend", user: "carl", through: "frontend", ...remove },
  { title: "DELETE delayed by frontend", user: "ann", through: "frontend", ...remove },
  { title: "RENAME with children by frontend", user: "ann", through: "frontend", ...rename },
];

const message = "From: a@example.org\r\nSubject: kept\r\n\r\nbody\r\n";

/** Makes what stands before the operation. */
export async function prepareCase({ before }: OperationCase, session: ImapWire, name: string): Promise<void> {
  for (const suffix of before) {
    await session.ok(`CREATE ${name}${suffix}`);
    await session.append(`${name}${suffix}`, message);
    await session.ok(`SETACL ${name}${suffix} anyone lrs`);
  }
}

/** What is wrong with the outcome; the murder has healed. `internal` is the case's own name in lists. */
export function judgeOutcome(each: OperationCase, inspection: Inspection, internal: string, answer: Answer): string[] {
  const backend: Backend = users[each.user];
  const state: CaseState = {
    has: (suffix) => inspection.entry(backend, internal + suffix) !== undefined,
    acl: (suffix) => inspection.entry(backend, internal + suffix)?.acl ?? "",
  };
  const isDone = each.isDone(state);
  const isUndone = each.isUndone(state);
  if (answer === "OK" && !isDone) return ["the client was told OK and it is not done"];
  if (answer === "NO" && !isUndone) return ["the client was told NO and something changed"];
  return isDone || isUndone ? [] : ["it is done by halves"];
}

/** Every name of the case can be made and opened by a client of the frontend; what was kept has its message. */
export async function judgeNames(each: OperationCase, session: ImapWire, name: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const suffix of each.names) {
    const mailbox = name + suffix;
    const made = await session.command(`CREATE ${mailbox}`);
    const isThere = made.text.startsWith("[ALREADYEXISTS]");
    if (made.status !== "OK" && !isThere) wrong.push(`${mailbox} cannot be made: ${made.text}`);
    const opened = await session.command(`EXAMINE ${mailbox}`);
    if (opened.status !== "OK") wrong.push(`${mailbox} cannot be opened: ${opened.text}`);
    else if (isThere && each.before.length > 0 && !opened.untagged.includes("1 EXISTS")) {
      wrong.push(`${mailbox} has lost its message`);
    }
  }
  return wrong;
}
