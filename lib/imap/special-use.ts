// Special uses (RFC 6154): which of a user's own mailboxes is for drafts, for what was sent, and so on. Each is the user's
// annotation /private/specialuse of the mailbox, kept where the mailbox is.

import { No } from "../base/fault.ts";
import { TimeSlice } from "../base/time-slice.ts";
import { isBelow, type MailboxName } from "../mailbox/name.ts";
import type { Namespace } from "../mailbox/namespace.ts";
import type { UntaggedResponse } from "../mailbox/place.ts";
import { Reader } from "../wire/reader.ts";
import { ask } from "./plans/ask.ts";
import { serverOf } from "./server-of.ts";
import type { Session } from "./session.ts";

/** The entry, without "/private". */
export const specialUseEntry = "/specialuse";

/** \All and \Flagged would be views of other mailboxes: there are none here. */
const settable = ["\\Archive", "\\Drafts", "\\Important", "\\Junk", "\\Sent", "\\Trash"];

/** The uses as they are kept. Throws No("USEATTR") for what cannot be a use of this mailbox. */
export function formatUses(session: Session, mailbox: MailboxName, uses: readonly string[]): string {
  const { config } = session.server;
  const known = [...settable, ...(config.specialuse_extra ?? [])];
  const found = uses.map((use) => {
    const name = known.find((each) => each.toLowerCase() === use.toLowerCase());
    if (name === undefined) throw new No("USEATTR", `Special use "${use}" is not supported`);
    return name;
  });
  if (!isOwn(session.namespace, mailbox)) {
    throw new No("USEATTR", "Only own mailboxes below INBOX can have a special use");
  }
  return [...new Set(found)].join(" ");
}

/** An administrator may have made something else of it since it got its use. */
function isOwn({ inbox }: Namespace, mailbox: MailboxName): boolean {
  return inbox !== undefined && isBelow(mailbox, inbox);
}

export function readUses(value: string): readonly string[] {
  return value.split(" ").filter((use) => use !== "");
}

/** The uses of all of the user's mailboxes that have one, by the names he gives them. Throws No when a place cannot tell. */
export async function specialUses(session: Session): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const servers = await ownServers(session);
  if (servers.delete("here")) for (const [name, uses] of usesHere(session)) found.set(name, uses);
  const answers = await Promise.all([...servers].map((server) => askUses(session, server)));
  for (const [name, uses] of answers.flat()) found.set(name, uses);
  return found;
}

/** The servers of the user's own mailboxes: mostly one. */
async function ownServers(session: Session): Promise<Set<string>> {
  const { server, namespace } = session;
  const servers = new Set<string>();
  if (namespace.inbox === undefined) return servers;
  const slice = new TimeSlice(server.clock);
  for (const entry of server.list.descendants(namespace.inbox)) {
    if (entry.state === "active") servers.add(serverOf(session, entry));
    if (slice.isOver) await slice.next();
  }
  return servers;
}

function* usesHere({ server, user, namespace }: Session): Generator<readonly [string, readonly string[]]> {
  for (const { at, value } of server.local?.annotations.having(user.user, specialUseEntry) ?? []) {
    const entry = at === "" ? undefined : server.list.findById(at);
    if (entry && isOwn(namespace, entry.name)) yield [namespace.toExternal(entry.name), readUses(value)];
  }
}

/** A server that does not know special uses has none. */
async function askUses(session: Session, server: string): Promise<readonly (readonly [string, readonly string[]])[]> {
  const remote = await session.links.to(server);
  if (!remote.capabilities.has("SPECIAL-USE")) return [];
  const question = ['LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE)'];
  const { completion, found } = await ask(session, remote, question, readListed);
  if (completion.status === "OK") return found;
  throw new No("UNAVAILABLE", "The special uses of your mailboxes are not available");
}

function readListed({ frame }: UntaggedResponse): readonly [string, readonly string[]] | undefined {
  const reader = new Reader(frame);
  if (reader.peekKeyword() !== "LIST") return undefined;
  reader.keyword();
  reader.space();
  const attributes = reader.list(() => reader.token(/\\?[^(){ %*"\\]+/y) ?? "");
  reader.space();
  reader.nstring();
  reader.space();
  return [reader.astring(), attributes.filter((each) => !ofList.test(each))];
}

/** What LIST says of mailboxes besides their use. */
const ofList = /^\\(?:HasChildren|HasNoChildren|Marked|Unmarked|NoInferiors|NoSelect|NonExistent|Subscribed|Remote)$/i;
