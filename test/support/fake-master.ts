// A MUPDATE master in memory, shared by the registrars of several servers, that can be away, refuse, or lose an answer.

import { No } from "../../lib/base/fault.ts";
import type { Acl } from "../../lib/mailbox/acl.ts";
import type { Location } from "../../lib/mailbox/list.ts";
import type { MailboxName } from "../../lib/mailbox/name.ts";
import type { Registrar, Registration } from "../../lib/mailbox/registrar.ts";

/** Which call fails, counted from 0, and whether the master had done it by then. The master is away from then on. */
export interface MasterFailure {
  readonly call: number;
  readonly isDone: boolean;
}

export class FakeMaster {
  readonly names = new Map<MailboxName, Registration>();
  isUp = true;
  /** Refuses everything that would change something. */
  refuses = false;
  failure: MasterFailure | undefined;
  /** Changes asked for so far. */
  calls = 0;

  registrarOf(server: string): Registrar {
    const isOther = (known: Registration | undefined) =>
      known !== undefined && !known.location.startsWith(`${server}!`);
    return {
      isShared: true,
      reserve: (name, location) =>
        this.#ask(() => {
          if (isOther(this.names.get(name))) throw new No("ALREADYEXISTS", "Mailbox already exists");
          this.#set(name, { state: "reserved", location, acl: undefined });
        }),
      activate: (name, location, acl) =>
        this.#ask(() => {
          if (isOther(this.names.get(name))) throw new No("ALREADYEXISTS", "Mailbox already exists");
          this.#set(name, { state: "active", location, acl });
        }),
      deactivate: (name, location) =>
        this.#ask(() => {
          if (this.names.get(name)?.location === location)
            this.#set(name, { state: "reserved", location, acl: undefined });
        }),
      remove: (name) =>
        this.#ask(() => {
          this.names.delete(name);
        }),
      find: async (name) => {
        if (!this.isUp) throw new No("UNAVAILABLE", "no connection to server");
        return this.names.get(name);
      },
    };
  }

  locationOf(name: MailboxName): Location | undefined {
    return this.names.get(name)?.location;
  }

  #set(
    name: MailboxName,
    registration: { state: "active" | "reserved"; location: Location; acl: Acl | undefined },
  ): void {
    this.names.set(name, registration);
  }

  async #ask(work: () => void): Promise<void> {
    const isFailing = this.failure?.call === this.calls++;
    if (isFailing && this.failure?.isDone) work();
    if (isFailing) this.isUp = false;
    if (!this.isUp) throw new No("UNAVAILABLE", "no connection to server");
    if (this.refuses) throw new No("CANNOT", "the mupdate operation failed");
    work();
  }
}
