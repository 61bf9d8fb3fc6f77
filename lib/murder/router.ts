// Where mailboxes are, for the sessions of a frontend or unified server: the local mailbox list answers; before "does not
// exist" is said, the replica is asked to catch up with the master (seed 3.4, S88–S92).

import { No } from "../base/fault.ts";
import type { MailboxEntry, MailboxList } from "../mailbox/list.ts";
import { ancestorsOf, inboxOf, isInbox, localPartOf, type MailboxName } from "../mailbox/name.ts";
import { type ClientOrigin, HasNoParent, type Links, MailboxAway, type Place, type Router } from "../mailbox/place.ts";

export interface RouterOptions {
  readonly list: MailboxList;
  /** Our own name in locations; its mailboxes are here when `keepsMailboxes`. */
  readonly ownServer: string;
  /** A unified server: entries without a server, or with our own name, are here. */
  readonly keepsMailboxes: boolean;
  readonly hasVirtualDomains: boolean;
  /** Resolves when the list has caught up with the master, false when it cannot be known. */
  catchUp(): Promise<boolean>;
  openLinks(client: ClientOrigin): Links;
}

type Where = "here" | { readonly server: string };

export class MurderRouter implements Router {
  readonly #options: RouterOptions;
  #catchingUp: Promise<boolean> | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  async locate(name: MailboxName): Promise<Place> {
    const entry = await this.#find(name);
    const where = this.#serverOf(entry);
    return where === "here" ? { kind: "here", entry } : { kind: "elsewhere", server: where.server, entry };
  }

  async home(user: string): Promise<Where> {
    const { hasVirtualDomains } = this.#options;
    return this.#serverOf(await this.#find(inboxOf(user, hasVirtualDomains)));
  }

  async placeNew(name: MailboxName): Promise<Where> {
    for (const ancestor of ancestorsOf(name)) {
      if (isInbox(name) || localPartOf(ancestor) === "user") break; // "user" is a namespace, not a parent
      const entry = this.#options.list.find(ancestor);
      if (entry?.state === "active") return this.#serverOf(entry);
      const below = this.#onlyServerBelow(ancestor);
      if (below === "several") throw new No("CANNOT", `Cannot place "${name}": its parent is on several servers`);
      if (below) return below;
    }
    // S117, S121: a name without parent is made on the server of the administrator's choice, never by a proxy's.
    throw new HasNoParent(name);
  }

  async settle(): Promise<void> {
    await this.#options.catchUp();
  }

  openLinks(client: ClientOrigin): Links {
    return this.#options.openLinks(client);
  }

  /** The active entry. Throws No("NONEXISTENT") only when the list is known to be complete and level with the master. */
  async #find(name: MailboxName): Promise<MailboxEntry> {
    const { list } = this.#options;
    let entry = list.find(name);
    if (entry?.state === "active") return entry;
    const isLevel = await this.#catchUp();
    entry = list.find(name);
    if (entry?.state === "active") return entry;
    if (!list.isComplete) throw new No("UNAVAILABLE", "The mailbox list is not complete yet, try again later");
    if (entry?.state === "reserved") throw new No("UNAVAILABLE", "Mailbox is currently reserved");
    if (entry?.state === "moving") throw new MailboxAway(entry);
    // Made a moment ago, perhaps: mail for it must not be refused for good.
    if (!isLevel) throw new No("UNAVAILABLE", "The mailbox may be newer than the mailbox list, try again later");
    throw new No("NONEXISTENT", "Mailbox does not exist");
  }

  /** One ping for all who missed a name in the same turn (S95). */
  #catchUp(): Promise<boolean> {
    this.#catchingUp ??= Promise.resolve().then(() => {
      this.#catchingUp = undefined;
      return this.#options.catchUp();
    });
    return this.#catchingUp;
  }

  #serverOf(entry: MailboxEntry): Where {
    const { keepsMailboxes, ownServer } = this.#options;
    if (keepsMailboxes && (entry.server === "" || entry.server === ownServer)) return "here";
    return { server: entry.server };
  }

  /** A parent that is only a level in names is where all that is below it is. */
  #onlyServerBelow(name: MailboxName): Where | "several" | undefined {
    let only: MailboxEntry | undefined;
    for (const entry of this.#options.list.descendants(name)) {
      if (entry.state !== "active") continue;
      if (only && only.server !== entry.server) return "several";
      only ??= entry;
    }
    return only && this.#serverOf(only);
  }
}
