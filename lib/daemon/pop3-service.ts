// pop3d as a service: maildrops of this server, of other servers, or both, as imapd.conf says (roleOf).

import { roleOf } from "../config/role.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { Router } from "../mailbox/place.ts";
import { connectToBackend } from "../murder/backend-connection.ts";
import { backendLogin } from "../murder/backend-login.ts";
import { Health } from "../murder/health.ts";
import { type Homes, MurderMaildrops } from "../murder/pop3-proxy.ts";
import { LocalMaildrops } from "../pop3/local-maildrops.ts";
import { LoginDelay } from "../pop3/login-delay.ts";
import type { Maildrops, Pop3Server } from "../pop3/server.ts";
import { Pop3Session } from "../pop3/session.ts";
import { deferringVerifier, withoutKeys } from "../sasl/deferring-verifier.ts";
import { createVerifier } from "../sasl/verify.ts";
import { openFrontendList, openRouter } from "./frontend-router.ts";
import { openMailFiles } from "./local-mail.ts";
import type { Service, ServiceContext } from "./service.ts";
import { readClientTls } from "./tls-files.ts";
import { type OpenedHomes, openUserHomes, proofAt } from "./user-homes.ts";

export async function startPop3(context: ServiceContext, version: string): Promise<Service> {
  const { config, clock, log, metrics, tls } = context;
  const role = roleOf(config);
  const { maildrops, close, reload, defers } = openParts(context, version);
  const verifier = createVerifier(config, "pop", clock);
  const own = config.proxy_login === "password" ? withoutKeys(verifier) : verifier;
  const server: Pop3Server = {
    ...{ config, clock, log, metrics, maildrops, version, verifier },
    ...(defers && { newVerifier: () => deferringVerifier(own, defers) }),
    tls: () => (config.allowstarttls ? tls() : undefined),
    loginDelay: new LoginDelay(clock, config.popminpoll ?? 0, config.poppollpadding),
  };
  const sessions = new Set<Pop3Session>();
  return {
    accept(connection, ended) {
      const session = new Pop3Session(server, connection, () => {
        sessions.delete(session);
        ended();
      });
      sessions.add(session);
      session.start();
    },
    refuse: (connection, why) => Pop3Session.refuse(connection, refusals[why]),
    drain: () => {
      for (const session of sessions) session.drain();
    },
    ...(reload && { reload }),
    stop: close,
    status: () => ({ role }),
  };
}

const refusals = { full: "Too many open connections, try again later", ending: "Server is shutting down" } as const;

interface Opened {
  readonly maildrops: Maildrops;
  readonly close: () => Promise<void>;
  readonly reload?: OpenedHomes["reload"];
  readonly defers?: OpenedHomes["defers"];
}

function openParts(context: ServiceContext, version: string): Opened {
  const role = roleOf(context.config);
  if (role === "frontend") return openFrontend(context, version);
  return role === "multiplexer" ? openMultiplexer(context, version) : openBackend(context, version);
}

function openBackend(context: ServiceContext, version: string): Opened {
  const { config } = context;
  const files = openMailFiles(context);
  const local = new LocalMaildrops({ config, list: files.list, store: files.store });
  const isUnified = roleOf(config) === "unified";
  const maildrops = isUnified ? openMurder(context, routerOver(context, files.list, true, version), local) : local;
  return { maildrops, close: () => files.close() };
}

function openFrontend(context: ServiceContext, version: string): Opened {
  const list = openFrontendList(context);
  const router = routerOver(context, list, false, version);
  return { maildrops: openMurder(context, router, undefined), close: async () => list.close() };
}

function openMultiplexer(context: ServiceContext, version: string): Opened {
  const { homes, defers, reload, close } = openUserHomes(context, version);
  return { maildrops: openMurder(context, homes, undefined), defers, reload, close: async () => close() };
}

function routerOver(context: ServiceContext, list: MailboxList, keepsMailboxes: boolean, version: string): Router {
  return openRouter(context, { list, keepsMailboxes, version });
}

function openMurder(context: ServiceContext, router: Homes, local: Maildrops | undefined): Maildrops {
  const { config, clock, log } = context;
  const deadlineMs = config.client_timeout * 1000;
  return new MurderMaildrops({
    router,
    local,
    connect: (server, client) => connectToBackend(config, server, "pop3", client),
    planFor: (server, user, { identity }, proof) =>
      backendLogin(config, server, user, (each) => readClientTls(config, each), proofAt(user, identity, proof)),
    ...{ deadlineMs, health: new Health(clock), clock, log },
  });
}
