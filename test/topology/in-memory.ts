// A murder in memory: real sessions, router, links and client over joined connections; lists, stores and the master's list
// in memory. The replicas follow the master only when they are asked to catch up: the longest delay there can be.

import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { ConfigOverrides } from "../../lib/config/config.ts";
import type { LoginPlan } from "../../lib/imap/client-login.ts";
import type { ImapServer, LocalMail } from "../../lib/imap/server.ts";
import { Session } from "../../lib/imap/session.ts";
import { emptyAcl, formatAcl, ownerRights } from "../../lib/mailbox/acl.ts";
import type { ListEdit, MailboxList, UniqueId } from "../../lib/mailbox/list.ts";
import { MemoryAnnotations } from "../../lib/mailbox/annotation.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { type MailboxName, ownerOf, requireMailboxName } from "../../lib/mailbox/name.ts";
import { MailboxOperations } from "../../lib/mailbox/operations/mailbox-operations.ts";
import type { ClientOrigin, Links, Router } from "../../lib/mailbox/place.ts";
import { MemoryQuotaBook } from "../../lib/mailbox/quota.ts";
import type { Registrar } from "../../lib/mailbox/registrar.ts";
import { MemoryStore } from "../../lib/mailbox/store-memory.ts";
import { describeMessage } from "../../lib/mailbox/structure.ts";
import { MemorySubscriptions } from "../../lib/mailbox/subscription.ts";
import { entryOf, locationOf, serverOf } from "../../lib/mupdate/record.ts";
import { Health } from "../../lib/murder/health.ts";
import { BackendLinks } from "../../lib/murder/links.ts";
import { MurderRouter } from "../../lib/murder/router.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainClient } from "../../lib/sasl/plain.ts";
import { FakeMaster } from "../support/fake-master.ts";
import { testServer } from "../support/imap-session.ts";
import type { Slot } from "./script.ts";
import type { Topology } from "./topology.ts";

const password = "secret";
const proxyUser = "murder";

/** Which server is behind the front door, and which servers the slots are; "front" is the front door itself. */
export interface Plan {
  readonly front: "backend" | "frontend" | "unified";
  readonly slots: readonly [first: string, second: string];
}

export const plans = {
  backend: { front: "backend", slots: ["front", "front"] },
  frontend: { front: "frontend", slots: ["be1.test", "be1.test"] },
  "frontend over two servers": { front: "frontend", slots: ["be1.test", "be2.test"] },
  "unified, mailboxes here": { front: "unified", slots: ["front", "be2.test"] },
  "unified over two servers": { front: "unified", slots: ["be1.test", "be2.test"] },
  "unified, mailboxes elsewhere": { front: "unified", slots: ["be1.test", "front"] },
} as const satisfies Readonly<Record<string, Plan>>;

export type PlanName = keyof typeof plans;

/** How a frontend's session gets its connections to `servers`. */
export type OpenLinks = (client: ClientOrigin, servers: ReadonlyMap<string, ImapServer>) => Links;

export function inMemory({ front, slots }: Plan, openLinks: OpenLinks = linksInMemory): Topology {
  const murder = new Murder();
  const names = new Set(slots.filter((name) => name !== "front"));
  const servers = new Map([...names].map((name) => [name, murder.backend(name)]));
  const open = (client: ClientOrigin) => openLinks(client, servers);
  const door =
    front === "backend"
      ? murder.backend("be1.test")
      : front === "frontend"
        ? murder.frontend(open)
        : murder.unified(open);
  const serverOfSlot = (slot: Slot) => servers.get(slots[slot - 1]!) ?? requireMail(door);
  return {
    administrator: "cyrus",
    open: async () => connectTo(door),
    openAt: async (slot) => connectTo(serverOfSlot(slot)),
    create: (name, slot) => murder.create(requireMailboxName(name), serverOfSlot(slot)),
    passwordOf: () => password,
    settled: () => murder.catchUp(),
    close: async () => {},
  };
}

function requireMail(server: ImapServer): MailServer {
  const { local } = server;
  if (!local) throw new Error("a frontend keeps no mailboxes");
  return { ...server, local };
}

function connectTo(server: ImapServer): Connection {
  const [theirs, ours] = connectionPair();
  new Session(server, theirs).start();
  return ours;
}

/** The product's own links, over connections in memory; `opened` gets the near end of each. */
export function linksInMemory(
  client: ClientOrigin,
  servers: ReadonlyMap<string, ImapServer>,
  opened: (server: string, connection: Connection) => void = () => {},
): Links {
  const plan: LoginPlan = {
    credentials: { authenticationId: proxyUser, authorizationId: client.identity.user, password },
    choose: () => plainClient,
    tls: undefined,
    requiresTls: false,
    id: [["name", "iatlas"]],
  };
  const connect = async (server: string) => {
    const found = servers.get(server);
    if (!found) throw new Error(`no server ${server}`);
    const connection = connectTo(found);
    opened(server, connection);
    return connection;
  };
  const options = { connect, planFor: () => plan, responseTimeoutMs: 5_000, health: new Health(systemClock) };
  return new BackendLinks({ ...options, log: silentLog }, client);
}

type MailServer = ImapServer & { readonly local: LocalMail };

class Murder {
  readonly #master = new FakeMaster();
  readonly #replicas: { readonly list: MailboxList; readonly ownServer: string }[] = [];

  backend(servername: string): MailServer {
    return this.#withMail(servername, new MemoryMailboxList(), undefined, {});
  }

  frontend(openLinks: Router["openLinks"]): ImapServer {
    const list = this.#replica("fe.test");
    const router = this.#router("fe.test", list, false, openLinks);
    return { ...testServer({ list, router, config: configOf("fe.test") }), verifier };
  }

  unified(openLinks: Router["openLinks"]): MailServer {
    const list = this.#replica("uni.test");
    const router = this.#router("uni.test", list, true, openLinks);
    return this.#withMail("uni.test", list, router, { mupdate_config: "unified" });
  }

  /** Brings all replicas level with the master. */
  async catchUp(): Promise<void> {
    for (const { list, ownServer } of this.#replicas) {
      await list.change(this.#edits(list, ownServer));
      await list.setComplete(true);
    }
  }

  /** Beside the operations, which ask for a parent on the same server (S183). */
  async create(name: MailboxName, { list, local, config }: MailServer): Promise<void> {
    const uniqueId = crypto.randomUUID() as UniqueId;
    const uidValidity = 1000 + this.#master.calls;
    const owner = ownerOf(name);
    const acl = owner === undefined ? emptyAcl : formatAcl([{ identifier: owner, rights: ownerRights }]);
    await local.store.create(uniqueId, "default", uidValidity);
    await list.change([
      { insert: { name, uniqueId, server: "", partition: "default", acl, state: "active", uidValidity } },
    ]);
    await this.#master.registrarOf(config.servername).activate(name, locationOf(config.servername, "default"), acl);
  }

  #edits(list: MailboxList, ownServer: string): ListEdit[] {
    const edits: ListEdit[] = [];
    for (const [name, { state, location, acl }] of this.#master.names) {
      if (serverOf(location) !== ownServer)
        edits.push({ put: entryOf({ name, state, location, acl: acl ?? emptyAcl }) });
    }
    for (const { name, server } of list.entries()) {
      if (server !== "" && !this.#master.names.has(name)) edits.push({ remove: name });
    }
    return edits;
  }

  #replica(ownServer: string): MailboxList {
    const list = new MemoryMailboxList();
    this.#replicas.push({ list, ownServer });
    return list;
  }

  #router(ownServer: string, list: MailboxList, keepsMailboxes: boolean, openLinks: Router["openLinks"]): Router {
    const catchUp = async () => {
      await this.catchUp();
      return true;
    };
    return new MurderRouter({ list, ownServer, keepsMailboxes, hasVirtualDomains: false, catchUp, openLinks });
  }

  #withMail(servername: string, list: MailboxList, router: Router | undefined, more: ConfigOverrides): MailServer {
    const registrar = this.#registrarOf(servername);
    const config = { ...configOf(servername), ...more };
    const server = testServer({ list, config, ...(router ? { router } : {}) });
    const { clock, log } = server;
    const store = new MemoryStore({ clock, describe: describeMessage, partitions: ["default"] });
    const subscriptions = new MemorySubscriptions();
    const annotations = new MemoryAnnotations();
    const quota = new MemoryQuotaBook();
    const settings = server.config;
    const mail = { store, subscriptions, annotations, quota };
    const operations = new MailboxOperations({ ...mail, list, log, clock, registrar, settings });
    return { ...server, verifier, local: { ...mail, operations } };
  }

  #registrarOf(servername: string): Registrar {
    return this.#master.registrarOf(servername);
  }
}

/** Everybody has the same password. */
const verifier = {
  checkPassword: async (_user: string, given: string) => (given === password ? "ok" : "wrong"),
} as const;

function configOf(servername: string): ConfigOverrides {
  return {
    servername,
    admins: ["cyrus"],
    proxyservers: [proxyUser],
    allowplaintext: true,
    failedloginpause: 0,
    partitions: new Map([["default", "/spool"]]),
  };
}
