// GETQUOTA and SETQUOTA: a quota root is answered by the server that has its mailbox (S85, S86). A root whose mailboxes are
// on several servers would be counted by each of them alone: it is refused and not shown wrongly (S87). GETQUOTAROOT is
// answered by the server of the mailbox: what it names is what bounds that mailbox, and counts that server's mailboxes only.

import { No } from "../../base/fault.ts";
import { TimeSlice } from "../../base/time-slice.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { Completion } from "../../mailbox/place.ts";
import { denied, hasOwnListOnly, isInUse, requireCompleteList, requireKnown } from "../access.ts";
import type { MailboxArgs } from "../parse/mailbox.ts";
import type { SetQuotaArgs } from "../parse/quota.ts";
import { referAdministrator } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";

export async function getQuotaPlan(
  session: Session,
  { mailbox }: MailboxArgs,
  command: Command,
): Promise<Completion | "here"> {
  if (hasOwnListOnly(session)) return "here";
  requireCompleteList(session);
  const root = session.namespace.toInternal(mailbox);
  const { list, router } = session.server;
  const isUnknown = !list.find(root) && !(session.user.isAdmin && list.hasDescendants(root));
  try {
    if (isUnknown) await router.locate(root); // asks the master, then says no
    const own = list.find(root);
    if (own) requireKnown(session, own);
  } catch (fault) {
    throw fault instanceof No && fault.code === "NONEXISTENT" ? noQuotaRoot() : fault;
  }
  const server = await serverOfTree(session, root);
  if (server === "") return "here";
  referAdministrator(session, server, mailbox);
  return session.relay(command, await session.links.to(server));
}

/** As the server that has the mailbox says it. */
function noQuotaRoot(): No {
  return new No("NONEXISTENT", "Quota root does not exist");
}

/** The same, for administrators. */
export async function setQuotaPlan(
  session: Session,
  args: SetQuotaArgs,
  command: Command,
): Promise<Completion | "here"> {
  if (!session.user.isAdmin) throw denied();
  // A limit stays: it is not set on a tree that has just come to be on two servers, and this list does not show it yet.
  if (!hasOwnListOnly(session)) await session.server.router.settle();
  return getQuotaPlan(session, args, command);
}

const entriesPerLook = 64;

async function serverOfTree(session: Session, root: MailboxName): Promise<string> {
  const { list, clock } = session.server;
  const slice = new TimeSlice(clock);
  const own = list.find(root);
  let server = own && isInUse(own) ? own.server : undefined;
  let seen = 0;
  for (const entry of list.descendants(root)) {
    if (isInUse(entry)) {
      server ??= entry.server;
      if (entry.server !== server) {
        throw new No("CANNOT", "This mailbox hierarchy does not exist on a single backend server");
      }
    }
    if (++seen % entriesPerLook === 0 && slice.isOver) await slice.next();
  }
  if (server === undefined) throw new No("UNAVAILABLE", "Mailbox is not available now");
  return server;
}
