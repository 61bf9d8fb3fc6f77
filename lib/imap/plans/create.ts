// CREATE where the mailbox belongs on another server (seed 3.7): the name must be free in the whole murder, which the list
// tells without asking a backend (S120), and the server of the parent makes it (S115, S121) or the one an administrator
// names (S119), who is referred there if he can be (S74). The backend checks everything again (S122).

import { No } from "../../base/fault.ts";
import { hasRight, Right } from "../../mailbox/acl.ts";
import { ancestorsOf, type MailboxName, whyNotCreatable } from "../../mailbox/name.ts";
import { type Completion, HasNoParent } from "../../mailbox/place.ts";
import { formatAstring } from "../../wire/writer.ts";
import { denied, hasOwnListOnly, requireCompleteList, rightsOf } from "../access.ts";
import { newMailboxName } from "../new-name.ts";
import { chooseServer } from "../new-server.ts";
import type { CreateArgs, CreateTarget } from "../parse/create.ts";
import { referAdministrator } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { formatUses } from "../special-use.ts";
import { changeElsewhere } from "./change-elsewhere.ts";

export async function createPlan(
  session: Session,
  { mailbox, target, uses }: CreateArgs,
  command: Command,
): Promise<Completion | "here"> {
  const name = newMailboxName(session, mailbox);
  if (target && !session.user.isAdmin) throw denied();
  if (uses) formatUses(session, name, uses); // refused before anything is made
  if (uses && target) throw new No("USEATTR", "A special use cannot be given together with a place");
  const { router, config } = session.server;
  if (whyNotCreatable(name, config.deletedprefix) !== undefined) throw new No("CANNOT", "Invalid mailbox name");
  if (!hasOwnListOnly(session)) {
    requireCompleteList(session);
    await router.settle(); // it, or its parent, may have been made a moment ago, or have gone (S92)
    refuseTaken(session, name);
  }
  const { place, partition } = await findPlace(session, name, target);
  if (place === "here") return "here";
  referAdministrator(session, place.server, mailbox);
  if (uses && !(await session.links.to(place.server)).capabilities.has("CREATE-SPECIAL-USE")) {
    throw new No("USEATTR", "The server of this mailbox knows no special uses");
  }
  return changeElsewhere(session, target ? withPartition(command, mailbox, partition) : command, place.server);
}

interface FoundPlace {
  readonly place: "here" | { readonly server: string };
  readonly partition: string | undefined;
}

async function findPlace(session: Session, name: MailboxName, target: CreateTarget | undefined): Promise<FoundPlace> {
  if (!target) return { place: await placeNew(session, name), partition: undefined };
  const { config, local } = session.server;
  const { server, word, ...named } = target;
  const isPartition = word !== undefined && config.partitions.has(word);
  const partition = isPartition ? word : named.partition;
  const wanted = isPartition ? undefined : (server ?? word);
  if (local && (wanted === undefined || wanted === config.servername)) return { place: "here", partition };
  // A backend reaches no other one: what it takes for a server's name is an unknown partition.
  if (hasOwnListOnly(session)) throw new No("CANNOT", "Unknown/invalid partition");
  return { place: wanted === undefined ? await placeNew(session, name) : { server: wanted }, partition };
}

/** The command for the server that was found: it need not know itself by that name, and Cyrus takes one for a partition. */
function withPartition(command: Command, mailbox: string, partition: string | undefined): Command {
  const rest = partition === undefined ? "" : ` ${partition}`;
  return { ...command, frame: { texts: [`${command.tag} CREATE ${formatAstring(mailbox)}${rest}`], literals: [] } };
}

/**
 * Where no server is the obvious one (S116, S117), users hear what a backend would tell them. An administrator's mailbox
 * without parent is made by a server of the configuration's choice, or at the server itself that he came to (S118).
 */
async function placeNew(session: Session, name: MailboxName): Promise<FoundPlace["place"]> {
  const { router, local, config } = session.server;
  try {
    return await router.placeNew(name);
  } catch (fault) {
    if (!(fault instanceof No) || fault.code !== "CANNOT") throw fault;
    if (!session.user.isAdmin) throw denied();
    const chosen = fault instanceof HasNoParent ? await chooseServer(session) : undefined;
    if (chosen !== undefined && !(local && chosen === config.servername)) return { server: chosen };
    if (local) return "here";
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
