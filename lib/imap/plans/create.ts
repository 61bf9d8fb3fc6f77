// CREATE where the mailbox belongs on another server (seed 3.7): the name must be free in the whole murder, which the list
// tells without asking a backend (S120), and the server of the parent makes it (S115, S121) or the one an administrator
// names (S119). The backend checks everything again (S122).

import { No } from "../../base/fault.ts";
import { hasRight, Right } from "../../mailbox/acl.ts";
import { ancestorsOf, type MailboxName, whyNotCreatable } from "../../mailbox/name.ts";
import type { Completion } from "../../mailbox/place.ts";
import { denied, hasOwnListOnly, requireCompleteList, rightsOf } from "../access.ts";
import { newMailboxName } from "../new-name.ts";
import type { CreateArgs, CreateTarget } from "../parse/create.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { changeElsewhere } from "./change-elsewhere.ts";

export async function createPlan(
  session: Session,
  { mailbox, target }: CreateArgs,
  command: Command,
): Promise<Completion | "here"> {
  const name = newMailboxName(session, mailbox);
  if (target && !session.user.isAdmin) throw denied();
  const { list, router, config } = session.server;
  if (whyNotCreatable(name, config.deletedprefix) !== undefined) throw new No("CANNOT", "Invalid mailbox name");
  if (!hasOwnListOnly(session)) {
    requireCompleteList(session);
    if (!list.find(name)) await router.settle(); // it, or its parent, may have been made a moment ago (S92)
    refuseTaken(session, name);
  }
  const place = target ? placeOf(session, target) : await placeNew(session, name);
  return place === "here" ? "here" : changeElsewhere(session, command, place.server);
}

/**
 * Where no server is the obvious one (S116, S117), users hear what a backend would tell them, and what an administrator
 * makes at a server that keeps mailboxes is made there (S118).
 */
async function placeNew({ server, user }: Session, name: MailboxName): Promise<"here" | { readonly server: string }> {
  try {
    return await server.router.placeNew(name);
  } catch (fault) {
    if (!(fault instanceof No) || fault.code !== "CANNOT") throw fault;
    if (!user.isAdmin) throw denied();
    if (server.local) return "here";
    throw fault;
  }
}

/** Who may not make mailboxes there does not learn of one that is hidden from him. */
function refuseTaken(session: Session, name: MailboxName): void {
  const { list } = session.server;
  const taken = list.find(name);
  if (taken === undefined || taken.state === "deleted") return;
  if (taken.state === "reserved") throw new No("INUSE", "Mailbox is currently reserved");
  const parent = ancestorsOf(name)
    .map((ancestor) => list.find(ancestor))
    .find((entry) => entry !== undefined);
  const mayCreate = session.user.isAdmin || (parent && hasRight(rightsOf(session, parent), Right.createChild));
  const maySee = hasRight(rightsOf(session, taken), Right.lookup);
  throw mayCreate || maySee ? new No("ALREADYEXISTS", "Mailbox already exists") : denied();
}

/** Where an administrator's second argument points. */
function placeOf(session: Session, { server, partition, word }: CreateTarget): "here" | { readonly server: string } {
  const { config, local } = session.server;
  const named = server ?? (word !== undefined && !config.partitions.has(word) ? word : undefined);
  if (local && (named === undefined || named === config.servername)) return "here";
  if (named === undefined) throw new No("CANNOT", `No server was named for partition "${word ?? partition}"`);
  // A backend reaches no other one: what it takes for a server's name is an unknown partition.
  if (hasOwnListOnly(session)) throw new No("CANNOT", "Unknown/invalid partition");
  return { server: named };
}
