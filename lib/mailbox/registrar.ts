// The authority a backend asks before it changes the mailbox list (seed 2.1, 3.7). With MUPDATE it is the master
// (murder/announce.ts); without, the server decides alone (`soleAuthority`).

import type { Acl } from "./acl.ts";
import type { Location } from "./list.ts";
import type { MailboxName } from "./name.ts";

/** What the authority knows about a name. */
export interface Registration {
  readonly state: "active" | "reserved";
  readonly location: Location;
  readonly acl: Acl | undefined;
}

/** Every method resolves when the authority has acknowledged, and rejects with No("UNAVAILABLE") when it cannot be asked. */
export interface Registrar {
  /** False without MUPDATE: names are then only checked against the local list. */
  readonly isShared: boolean;
  /** Claims a name. Rejects with No("ALREADYEXISTS") when another server has it. */
  reserve(name: MailboxName, location: Location): Promise<void>;
  /** Publishes a mailbox, or its new ACL or location. */
  activate(name: MailboxName, location: Location, acl: Acl): Promise<void>;
  /** Takes a mailbox out of use: its name stays reserved. One that the authority does not have on this server is left alone. */
  deactivate(name: MailboxName, location: Location): Promise<void>;
  /** Removes a name; one that the authority does not have is fine. */
  remove(name: MailboxName): Promise<void>;
  find(name: MailboxName): Promise<Registration | undefined>;
}

export const soleAuthority: Registrar = {
  isShared: false,
  reserve: async () => {},
  activate: async () => {},
  deactivate: async () => {},
  remove: async () => {},
  find: async () => undefined,
};
