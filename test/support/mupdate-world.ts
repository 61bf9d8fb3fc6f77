// A MUPDATE master and connections to it, in memory: sessions, clients and replicas talk to each other without sockets.

import { systemClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { MailboxName } from "../../lib/mailbox/name.ts";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { type LoginOptions, logIn } from "../../lib/mupdate/login.ts";
import { MemoryJournal } from "../../lib/mupdate/memory-journal.ts";
import { type MailboxRecord, parseLocation, parseRecordAcl, parseRecordName } from "../../lib/mupdate/record.ts";
import type { Registry, RegistryReader } from "../../lib/mupdate/registry.ts";
import { type Journal, MasterRegistry, type MasterRegistryOptions } from "../../lib/mupdate/registry-master.ts";
import { ServerSession, type SessionOptions } from "../../lib/mupdate/session.ts";
import type { MasterConnectionOptions } from "../../lib/murder/master-connection.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import type { ClientMechanism, ServerMechanism } from "../../lib/sasl/mechanism.ts";

/** PLAIN with one rule: the password is "secret". */
const serverPlain: ServerMechanism = {
  name: "PLAIN",
  isPlaintext: true,
  isAvailable: () => true,
  async *start(_context, initial) {
    const response = initial ?? (yield new Uint8Array());
    const [authorizationId = "", authenticationId = "", password] = Buffer.from(response ?? [])
      .toString()
      .split("\0");
    if (password !== "secret") throw new No("AUTHENTICATIONFAILED", "authentication failure");
    return { authenticationId, authorizationId: authorizationId || authenticationId };
  },
};

export const clientPlain: ClientMechanism = {
  name: "PLAIN",
  isPlaintext: true,
  *start({ authorizationId, authenticationId, password }) {
    yield Buffer.from(`${authorizationId}\0${authenticationId}\0${password}`);
  },
};

export function emptyRegistry(records: readonly MailboxRecord[] = []): MasterRegistry {
  return registryOver(new MemoryJournal(), { records });
}

/** A master's registry over that journal, with options of a test's choice. */
export function registryOver(journal: MemoryJournal, more: Partial<MasterRegistryOptions> = {}): MasterRegistry {
  const { feed } = journal;
  return new MasterRegistry({
    journal,
    feed,
    records: [],
    isReplicated: false,
    clock: systemClock,
    deadlineMs: 5000,
    ...more,
  });
}

/** A journal in memory whose changes go to the disk as `change` says. */
export function journalWith(change: Journal["change"]): MemoryJournal {
  return Object.assign(new MemoryJournal(), { change });
}

export function sessionOptions(
  registry: Registry | RegistryReader,
  more: Partial<SessionOptions> = {},
): SessionOptions {
  return {
    registry,
    banner: { hostName: "mu.lab", product: "iatlas", version: "1", upstream: undefined },
    authentication: {
      offered: () => [serverPlain],
      verifier: { checkPassword: async () => "wrong" },
      authorize: ({ authorizationId }) => {
        if (authorizationId !== "murder") throw new No("AUTHORIZATIONFAILED", "Only administrators may log in");
        return authorizationId;
      },
    },
    tls: () => undefined,
    status: () => {
      throw new Error("No service, no status");
    },
    failedLoginPauseMs: 0,
    idleMs: 0,
    loginIdleMs: 0,
    clock: systemClock,
    log: silentLog,
    ...more,
  };
}

/** The client's end of a connection to a session over `registry`. */
export function dial(options: SessionOptions): Connection {
  const [server, client] = connectionPair();
  new ServerSession(server, options).start();
  return client;
}

export const clientOptions: LoginOptions = {
  choose: () => clientPlain,
  credentials: { authenticationId: "murder", authorizationId: "", password: "secret" },
  tls: undefined,
  requiresTls: false,
  compresses: false,
  clock: systemClock,
  log: silentLog,
  deadlineMs: 5000,
};

/** Of a connection to a master on a real socket, which still has to be named. */
export const masterOptions: Omit<MasterConnectionOptions, "servers"> = {
  port: 3905,
  credentials: clientOptions.credentials,
  choose: clientOptions.choose,
  tlsFor: () => undefined,
  requiresTls: false,
  compresses: false,
  deadlineMs: 5000,
  clock: systemClock,
  log: silentLog,
};

/** A logged-in client of a session with these options. */
export function connectTo(options: SessionOptions, more: Partial<LoginOptions> = {}): Promise<MupdateClient> {
  return logIn(dial(options), { ...clientOptions, ...more });
}

/** A record in one line: `active("user.ann", "be1!default", "ann\tlrs\t")`. */
export function active(name: string, location: string, acl = ""): MailboxRecord {
  return {
    name: parseRecordName(name),
    location: parseLocation(location),
    acl: parseRecordAcl(acl),
    state: "active",
  };
}

export function reserved(name: string, location: string): MailboxRecord {
  return { ...active(name, location), state: "reserved" };
}

export function mailboxName(text: string): MailboxName {
  return parseRecordName(text);
}
