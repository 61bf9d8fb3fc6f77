// Asks the MUPDATE master itself where a mailbox is: for a mail exchanger that has no copy of the list (S41, S42).

import { No } from "../base/fault.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { Place } from "../mailbox/place.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { entryOf, serverOf } from "../mupdate/record.ts";

/** What is used of a connection to the master. */
export type MasterConnection = Pick<MupdateClient, "find" | "isOpen" | "logout">;

export class MasterLocator {
  readonly #connect: () => Promise<MasterConnection>;
  #client: Promise<MasterConnection> | undefined;

  /** `connect` opens a connection and logs in; it is called again when the connection was lost. */
  constructor(connect: () => Promise<MasterConnection>) {
    this.#connect = connect;
  }

  /** Throws No("NONEXISTENT") when the master does not know the name, No("UNAVAILABLE") when it cannot be asked. */
  async locate(name: MailboxName): Promise<Place> {
    const record = await (await this.#connected()).find(name);
    if (!record) throw new No("NONEXISTENT", "Mailbox does not exist");
    if (record.state === "reserved") throw new No("UNAVAILABLE", "Mailbox is currently reserved");
    return { kind: "elsewhere", server: serverOf(record.location), entry: entryOf(record) };
  }

  async close(): Promise<void> {
    const opening = this.#client;
    this.#client = undefined;
    const client = await opening?.catch(() => undefined);
    client?.logout();
  }

  async #connected(): Promise<MasterConnection> {
    const known = await this.#client?.catch(() => undefined);
    if (known?.isOpen) return known;
    this.#client = this.#connect();
    return await this.#client;
  }
}
