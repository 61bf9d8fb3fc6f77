// imapd and proxyd as a service. Which it is follows from imapd.conf, not from the program's name: a server on its own, a
// backend, a frontend, both, or a multiplexer (roleOf).

import type { Config } from "../config/config.ts";
import { type Role, roleOf } from "../config/role.ts";
import type { ImapServer } from "../imap/server.ts";
import { Session } from "../imap/session.ts";
import { MemoryMailboxList } from "../mailbox/list-memory.ts";
import type { AtStep } from "../mailbox/operations/context.ts";
import { localRouter } from "../mailbox/place.ts";
import { connectToBackend } from "../murder/backend-connection.ts";
import { Health } from "../murder/health.ts";
import { ImapHomes } from "../murder/imap-homes.ts";
import { withoutKeys } from "../sasl/deferring-verifier.ts";
import type { Verifier } from "../sasl/mechanism.ts";
import { createVerifier } from "../sasl/verify.ts";
import { loginPlan, openFrontendList, openMurder } from "./frontend-router.ts";
import { type LocalMailbox, openLocalMail } from "./local-mail.ts";
import type { Service, ServiceContext } from "./service.ts";
import { openUserHomes, proofAt } from "./user-homes.ts";

/** `atStep` is for fault tests. */
export async function startImap(context: ServiceContext, version: string, atStep?: AtStep): Promise<Service> {
  const { config, clock, log, metrics, tls } = context;
  const role = roleOf(config);
  const verifier = createVerifier(config, "imap", clock);
  const shared = {
    config,
    clock,
    log,
    metrics,
    verifier,
    version,
    atStep,
    tls: () => (config.allowstarttls ? tls() : undefined),
  };
  const parts = await openParts(context, shared, role, atStep);
  const sessions = new Set<Session>();
  return {
    accept(connection, ended) {
      const session = new Session(parts.server, connection, () => {
        sessions.delete(session);
        ended();
      });
      sessions.add(session);
      session.start();
    },
    refuse: (connection, why) => Session.refuse(connection, refusals[why]),
    drain: () => {
      for (const session of sessions) session.drain();
    },
    ...(parts.reload && { reload: parts.reload }),
    stop: parts.close,
    status: () => ({
      role,
      mailboxes: parts.server.list.size,
      isComplete: parts.server.list.isComplete,
      murder: parts.murderState?.(),
    }),
  };
}

const refusals = {
  full: "Too many connections, try again later",
  ending: "Server shutting down",
} as const;

type Shared = Omit<ImapServer, "list" | "router" | "local"> & { readonly verifier: Verifier };

interface Parts {
  readonly server: ImapServer;
  readonly close: () => Promise<void>;
  readonly murderState?: LocalMailbox["murderState"];
  readonly reload?: (config: Config) => void;
}

function openParts(context: ServiceContext, shared: Shared, role: Role, atStep?: AtStep): Parts | Promise<Parts> {
  if (role === "frontend") return openFrontend(context, shared);
  if (role === "multiplexer") return openMultiplexer(context, shared);
  return openBackend(context, shared, role, atStep);
}

/** A frontend reads the list that the replica writes, and keeps nothing itself (S38). */
function openFrontend(context: ServiceContext, shared: Shared): Parts {
  const list = openFrontendList(context);
  const { router, others } = openMurder(context, { list, keepsMailboxes: false, version: shared.version });
  const close = async () => {
    others.stop();
    list.close();
  };
  return { server: { ...shared, list, router, others, local: undefined }, close };
}

/** A user's home server answers everything (S196): the list is only asked where it is, if there is one. */
function openMultiplexer(context: ServiceContext, shared: Shared): Parts {
  const { config, clock, log } = context;
  const {
    homes,
    list = new MemoryMailboxList(),
    router,
    defers,
    reload,
    close,
  } = openUserHomes(context, shared.version);
  const imapHomes = new ImapHomes({
    ...{ homes, defers, log },
    verifier: config.proxy_login === "password" ? withoutKeys(shared.verifier) : shared.verifier,
    connect: (server, client) => connectToBackend(config, server, "imap", client),
    planFor: (server, user, client, proof) => ({
      ...loginPlan(config, server, client, shared.version, user, proofAt(user, client.identity, proof)),
      idsEarly: true,
    }),
    responseTimeoutMs: config.client_timeout * 1000,
    health: new Health(clock),
  });
  const server = { ...shared, list, router: router ?? localRouter(list), local: undefined, homes: imapHomes };
  return { server, reload, close: async () => close() };
}

async function openBackend(context: ServiceContext, shared: Shared, role: Role, atStep?: AtStep): Promise<Parts> {
  const local = await openLocalMail(context, atStep);
  const { list, store, operations, subscriptions, annotations, quota, murderState, close } = local;
  const { router, others } =
    role === "unified"
      ? openMurder(context, { list, keepsMailboxes: true, version: shared.version })
      : { router: localRouter(list) };
  const murder = { list, router, ...(others && { others }) };
  return {
    server: { ...shared, ...murder, local: { store, operations, subscriptions, annotations, quota } },
    close: async () => {
      others?.stop();
      await close();
    },
    murderState,
  };
}
