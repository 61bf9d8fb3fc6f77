// Who may do what to which mailbox, as Cyrus has it (RFC 4314 §4): all checks of the operations, none of their doing.
// A mailbox that the identity may not look up does not exist for it.

import { No } from "../../base/fault.ts";
import type { Identity } from "../../sasl/identity.ts";
import { type Acl, formatAcl, hasRight, ownerRights, parseDefaultAcl, Right, type Rights } from "../acl.ts";
import { effectiveRights } from "../effective-rights.ts";
import type { MailboxEntry } from "../list.ts";
import { ancestorsOf, isDeletedName, isInbox, type MailboxName, ownerOf, userTopOf, whyNotCreatable } from "../name.ts";
import type { OperationsContext } from "./context.ts";

export const faults = {
  nonexistent: () => new No("NONEXISTENT", "Mailbox does not exist"),
  exists: () => new No("ALREADYEXISTS", "Mailbox already exists"),
  denied: () => new No("NOPERM", "Permission denied"),
  badName: () => new No("CANNOT", "Invalid mailbox name"),
  unsupported: () => new No("CANNOT", "Operation is not supported on mailbox"),
  hasChildren: () => new No("HASCHILDREN", "Mailbox has children"),
  badPartition: () => new No("CANNOT", "Unknown/invalid partition"),
  notNow: () => new No("UNAVAILABLE", "Mailbox is not available now"),
};

export function rightsOf(context: OperationsContext, identity: Identity, entry: MailboxEntry): Rights {
  return effectiveRights(entry.acl, identity, entry.name, context.settings);
}

/** The entry, if this server has the mailbox and the identity may know of it. */
export function requireVisible(context: OperationsContext, identity: Identity, name: MailboxName): MailboxEntry {
  const entry = context.list.find(name);
  if (entry === undefined || entry.state === "deleted") throw faults.nonexistent();
  const rights = rightsOf(context, identity, entry);
  if ((rights & (Right.lookup | Right.read | Right.admin)) === 0) throw faults.nonexistent();
  if (entry.state !== "active" || entry.server !== "") throw faults.notNow();
  return entry;
}

/** What a new mailbox gets from where it is made. */
export interface NewPlace {
  readonly acl: Acl;
  readonly partition: string;
  /** The user's INBOX, which is not on this server and must be on another. */
  readonly inboxElsewhere: MailboxName | undefined;
}

/** Whether the identity may make a mailbox of this name, by CREATE or RENAME, and with what. Throws No. */
export function requireCreatable(context: OperationsContext, identity: Identity, name: MailboxName): NewPlace {
  const { settings, list } = context;
  if (whyNotCreatable(name, settings.deletedprefix) !== undefined) throw faults.badName();
  const taken = list.find(name);
  if (taken && hasRight(rightsOf(context, identity, taken), Right.lookup)) throw faults.exists();
  const parent = nearestParent(context, name);
  const isRestricted = parent === undefined || isInbox(name) || isDeletedName(name, settings.deletedprefix);
  const isAllowed =
    identity.isAdmin || (!isRestricted && hasRight(rightsOf(context, identity, parent), Right.createChild));
  const lacksInbox = !isInbox(name) && userTopOf(name) !== undefined && parent === undefined;
  // Nobody makes folders for a user without INBOX; where others may have it, administrators do (S183).
  if (!isAllowed || (lacksInbox && !context.registrar.isShared)) throw faults.denied();
  if (taken !== undefined && taken.state !== "deleted") throw faults.exists();
  if (parent && (parent.state === "reserved" || parent.state === "moving")) throw faults.notNow();
  return {
    acl: newAcl(context, name, parent),
    partition: parent?.server === "" ? parent.partition : firstPartition(context),
    inboxElsewhere: lacksInbox ? userTopOf(name) : undefined,
  };
}

/** The partition an administrator names, or the one found. */
export function requirePartition(
  context: OperationsContext,
  identity: Identity,
  wanted: string | undefined,
  found: string,
) {
  if (wanted === undefined) return found;
  if (!identity.isAdmin) throw faults.denied();
  if (!context.settings.partitions.has(wanted)) throw faults.badPartition();
  return wanted;
}

/** The mailbox, if the identity may remove it. */
export function requireRemovable(context: OperationsContext, identity: Identity, name: MailboxName): MailboxEntry {
  const entry = requireVisible(context, identity, name);
  if (isInbox(name) && !identity.isAdmin) {
    throw ownerOf(name) === identity.user ? faults.unsupported() : faults.denied();
  }
  if (!hasRight(rightsOf(context, identity, entry), Right.deleteMailbox)) throw faults.denied();
  const isImmediate = context.settings.delete_mode === "immediate";
  const isShared = userTopOf(name) === undefined && !isDeletedName(name, context.settings.deletedprefix);
  if (isImmediate && isShared && context.list.hasDescendants(name)) throw faults.hasChildren();
  return entry;
}

/** The nearest existing mailbox above. */
function nearestParent(context: OperationsContext, name: MailboxName): MailboxEntry | undefined {
  for (const ancestor of ancestorsOf(name)) {
    const entry = context.list.find(ancestor);
    if (entry && entry.state !== "deleted") return entry;
  }
  return undefined;
}

function newAcl({ settings }: OperationsContext, name: MailboxName, parent: MailboxEntry | undefined): Acl {
  const owner = parent ? undefined : ownerOf(name);
  if (isInbox(name) || owner !== undefined) {
    return formatAcl([{ identifier: owner ?? ownerOf(name)!, rights: ownerRights }]);
  }
  return parent?.acl ?? parseDefaultAcl(settings.defaultacl);
}

function firstPartition({ settings }: OperationsContext): string {
  return settings.defaultpartition ?? settings.partitions.keys().next().value ?? "default";
}
