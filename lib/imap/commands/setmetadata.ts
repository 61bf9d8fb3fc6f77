// SETMETADATA (RFC 5464 §4.3): all entries or none. What everybody shares of the server, administrators set.

import { No } from "../../base/fault.ts";
import type { AnnotationEdit } from "../../mailbox/annotation.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import { denied, findHere, localMail } from "../access.ts";
import { ownFolder, requireMaySet } from "../metadata/read-entries.ts";
import { type EntryValue, type SetMetadataArgs, setMetadataArgs } from "../parse/setmetadata.ts";
import { setMetadataPlan } from "../plans/metadata.ts";
import { planned, row } from "../row.ts";
import type { Session } from "../session.ts";
import { formatUses, readUses, specialUseEntry } from "../special-use.ts";

/** Octets of a value. */
export const longestValue = 65_536;

export const setMetadataRow = row<SetMetadataArgs>({
  state: "authenticated",
  args: setMetadataArgs,
  at: planned(setMetadataPlan),
  async run(session, { mailbox: external, values }) {
    const mailbox = external === "" ? undefined : findHere(session, external);
    const isShared = values.some(({ entry }) => isSharedEntry(entry));
    if (mailbox) requireMaySet(session, mailbox, isShared);
    else if (isShared && !session.user.isAdmin) throw denied();
    const edits = values.map((each) => editOf(session, mailbox?.name, each));
    await localMail(session).annotations.change(mailbox?.uniqueId ?? "", edits);
    return undefined;
  },
});

function isSharedEntry(entry: string): boolean {
  return entry.startsWith("/shared/");
}

function editOf(
  session: Session,
  mailbox: MailboxName | undefined,
  { entry, value: given }: EntryValue,
): AnnotationEdit {
  const isUse = entry === `/private${specialUseEntry}` && mailbox !== undefined && given !== undefined;
  const value = isUse ? formatUses(session, mailbox, readUses(given)) : given;
  if (value !== undefined && value.length > longestValue) {
    throw new No(`METADATA MAXSIZE ${longestValue}`, `Values have at most ${longestValue} octets`);
  }
  if (entry.startsWith(`${ownFolder}/`)) throw new No("CANNOT", `Entry "${entry}" cannot be set`);
  if (!isUse) requireKnownEntry(session, entry, mailbox);
  const owner = isSharedEntry(entry) ? "" : session.user.user;
  return { owner, entry: entry.slice(entry.indexOf("/", 1)), value };
}

/** Those of RFC 5464 and of vendors; others where the configuration takes them. */
function requireKnownEntry({ server }: Session, entry: string, mailbox: MailboxName | undefined): void {
  const path = entry.slice(entry.indexOf("/", 1));
  if (mailbox && entry === `/private${specialUseEntry}`) return;
  const isKnown = path === "/comment" || path === "/admin" || /^\/vendor\/[^/]+\/./.test(path);
  if (isKnown || server.config.annotation_allow_undefined) return;
  throw new No("CANNOT", `Entry "${entry}" is not supported`);
}
