// What a user is subscribed to, as he names it: kept by his home server, which is asked when it is another one. A home that
// cannot be asked is never taken for an empty list: clients would drop their caches (S81, S82).

import { fromLatin1 } from "../base/bytes.ts";
import { Bad, No } from "../base/fault.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { UntaggedResponse } from "../mailbox/place.ts";
import { Reader } from "../wire/reader.ts";
import { localMail } from "./access.ts";
import { internalIfAny } from "./listing.ts";
import { ask } from "./plans/ask.ts";
import { homeOf } from "./plans/home.ts";
import type { Session } from "./session.ts";

/**
 * All that start with `literal`, and perhaps more: matching is the caller's, since what a home says to "%" hides names. Some
 * may be no mailboxes any more. Throws No("UNAVAILABLE") when the server that knows cannot be asked.
 */
export async function subscribedNames(session: Session, literal: string): Promise<readonly string[]> {
  const home = await homeOf(session);
  if (home === "here") return subscribedHere(session);
  return home === "none" ? [] : askHome(session, home.server, literal);
}

/** All of them, as the mailbox list names them. */
export async function subscribedMailboxes(session: Session): Promise<ReadonlySet<MailboxName>> {
  const names = await subscribedNames(session, "");
  return new Set(names.map((name) => internalIfAny(session, name)).filter((name) => name !== undefined));
}

function subscribedHere(session: Session): readonly string[] {
  const { namespace, user } = session;
  const names = localMail(session).subscriptions.list(user.user);
  return names.filter((name) => namespace.isShown(name)).map((name) => namespace.toExternal(name));
}

async function askHome(session: Session, server: string, literal: string): Promise<readonly string[]> {
  const remote = await session.links.to(server).catch((fault) => {
    throw new No("UNAVAILABLE", "The server of your subscriptions is not available", { cause: fault });
  });
  const { completion, found } = await ask(session, remote, ['LSUB "" ', fromLatin1(`${literal}*`)], readLsub);
  if (completion.status !== "OK") {
    throw new No(undefined, `The server of your subscriptions refused: ${completion.text}`);
  }
  return found;
}

/** The name of an LSUB response; undefined for other responses. */
function readLsub({ frame }: UntaggedResponse): string | undefined {
  const reader = new Reader(frame);
  if (reader.peekKeyword() !== "LSUB") return undefined;
  reader.keyword();
  reader.space();
  reader.list(() => reader.token(/\\?[^(){ %*"\\]+/y) ?? fail());
  reader.space();
  reader.nstring();
  reader.space();
  return reader.astring();
}

function fail(): never {
  throw new Bad("Expected a mailbox flag");
}
