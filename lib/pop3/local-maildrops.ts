// Maildrops on this server: INBOX, or with `popsubfolders` another mailbox of the user.

import { No } from "../base/fault.ts";
import type { Config } from "../config/config.ts";
import { hasRight, Right } from "../mailbox/acl.ts";
import { effectiveRights } from "../mailbox/effective-rights.ts";
import type { MailboxEntry, MailboxList } from "../mailbox/list.ts";
import { inboxOf, type MailboxName, requireMailboxName } from "../mailbox/name.ts";
import type { ClientOrigin } from "../mailbox/place.ts";
import type { MessageStore } from "../mailbox/store.ts";
import { Maildrop } from "./maildrop.ts";
import type { Maildrops, OpenedMaildrop } from "./server.ts";

export interface LocalMaildropsParts {
  readonly config: Config;
  readonly list: Pick<MailboxList, "find">;
  readonly store: MessageStore;
}

export class LocalMaildrops implements Maildrops {
  readonly #parts: LocalMaildropsParts;

  constructor(parts: LocalMaildropsParts) {
    this.#parts = parts;
  }

  async open({ identity }: ClientOrigin, folder: string | undefined): Promise<OpenedMaildrop> {
    const { config, list, store } = this.#parts;
    const { uniqueId, partition, acl, name } = requireHere(list.find(maildropName(identity.user, folder, config)));
    const rights = effectiveRights(acl, identity, name, config);
    const may = (right: number) => !config.popuseacl || hasRight(rights, right);
    if (!may(Right.read)) throw new No("NOPERM", "Permission denied");
    const unlock = await store.lockMaildrop(uniqueId, partition);
    try {
      const mailbox = await store.open(uniqueId, partition);
      const mayDelete = may(Right.deleteMessage | Right.expunge);
      return { kind: "here", maildrop: new Maildrop(mailbox, identity.user, unlock, config, mayDelete) };
    } catch (fault) {
      unlock();
      throw fault;
    }
  }
}

/** The mailbox that a user, with what stood behind "+" in his name, reads by POP3. */
export function maildropName(user: string, folder: string | undefined, config: Config): MailboxName {
  const inbox = inboxOf(user, config.virtdomains !== "off");
  if (folder === undefined) return inbox;
  const internal = config.unixhierarchysep ? folder.replace(/[./]/g, (char) => (char === "/" ? "." : "^")) : folder;
  return requireMailboxName(`${inbox}.${internal}`);
}

function requireHere(entry: MailboxEntry | undefined): MailboxEntry {
  if (entry === undefined || entry.state === "deleted") throw new No("NONEXISTENT", "Mailbox does not exist");
  if (entry.state !== "active" || entry.server !== "") {
    throw new No("UNAVAILABLE", "Mailbox is being moved or is on another server");
  }
  return entry;
}
