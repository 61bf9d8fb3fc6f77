// SETACL and DELETEACL (RFC 4314 §3.1, §3.2) on a backend. The master must have the new ACL before the list has it (S24);
// whatever goes wrong in between, the list is right and the master is told again.

import { No } from "../../base/fault.ts";
import type { Identity } from "../../sasl/identity.ts";
import {
  type Acl,
  canonicalIdentifier,
  hasRight,
  modifyAcl,
  parseRights,
  Right,
  type Rights,
  type RightsChange,
} from "../acl.ts";
import type { JournalRecord } from "../journal.ts";
import type { MailboxEntry } from "../list.ts";
import { type MailboxName, ownerOf } from "../name.ts";
import { faults, requireVisible, rightsOf } from "./access.ts";
import type { OperationsContext } from "./context.ts";

/** Returns the entry with its new ACL. */
export function setAcl(
  context: OperationsContext,
  identity: Identity,
  name: MailboxName,
  identifier: string,
  change: RightsChange,
): Promise<MailboxEntry> {
  const plan = (): AclChange => {
    const before = requireAdministered(context, identity, name);
    return { before, after: { ...before, acl: changedAcl(context, identity, before, identifier, change) } };
  };
  return context.locks.hold([name], async () => {
    await context.step("acl:verify", name);
    const { before, after } = plan();
    if (before.acl === after.acl) return before;
    const record = await context.begin(name, { kind: "acl", step: "announce", acl: after.acl });
    const changed = await replaceAcl(context, record, plan);
    context.log.info("acl changed", { mailbox: name, identifier, user: identity.user });
    return changed;
  });
}

interface AclChange {
  readonly before: MailboxEntry;
  readonly after: MailboxEntry;
}

async function replaceAcl(
  context: OperationsContext,
  record: JournalRecord,
  plan: () => AclChange,
): Promise<MailboxEntry> {
  let agreed: AclChange;
  try {
    agreed = plan(); // again: now nobody else is at it
  } catch (fault) {
    await context.clear(record);
    throw fault;
  }
  const { before, after } = agreed;
  await context.step("acl:announce", record.name);
  try {
    await context.activate(after);
  } catch (fault) {
    await context.giveUp(record, fault);
    throw fault;
  }
  await context.step("acl:commit", record.name);
  const { name, uniqueId } = before;
  try {
    await context.list.change([{ expect: name, uniqueId }, { put: after }], [{ clear: name }]);
    return after;
  } catch (fault) {
    await context.leave(record, fault); // the master is told again what the list has
    throw fault;
  }
}

function requireAdministered(context: OperationsContext, identity: Identity, name: MailboxName): MailboxEntry {
  const entry = requireVisible(context, identity, name);
  if (!hasRight(rightsOf(context, identity, entry), Right.admin)) throw faults.denied();
  if (!identity.isAdmin && !context.settings.allowsetacl) throw faults.denied();
  return entry;
}

function changedAcl(
  context: OperationsContext,
  identity: Identity,
  entry: MailboxEntry,
  identifierText: string,
  change: RightsChange,
): Acl {
  const { settings } = context;
  const identifier = canonicalIdentifier(identifierText, settings);
  const grants = change.mode !== "remove" && change.rights !== 0 && !identifier.startsWith("-");
  if (grants && identifier === "anyone" && !settings.anyoneuseracl && !identity.isAdmin) {
    throw new No("NOPERM", "Permission denied");
  }
  const rights = identity.isAdmin
    ? change.rights
    : withoutLockingOut(entry, identifier, change, settings.implicit_owner_rights);
  return modifyAcl(entry.acl, identifier, { mode: change.mode, rights });
}

/** Owners keep what is implicitly theirs, by their own hand or another user's. */
function withoutLockingOut(
  entry: MailboxEntry,
  identifier: string,
  { mode, rights }: RightsChange,
  implicit: string,
): Rights {
  const owner = ownerOf(entry.name);
  const kept = parseRights(implicit);
  if (owner === undefined) return rights;
  if (identifier === `-${owner}` && mode !== "remove") return (rights & ~kept) as Rights;
  if (identifier !== owner || mode === "add") return rights;
  return (mode === "remove" ? rights & ~kept : rights | kept) as Rights;
}
