// pop3d as a service: maildrops of this server, of the backends of the murder, or both, as imapd.conf says (roleOf).

import { roleOf } from "../config/role.ts";
import type { MailboxList } from "../mailbox/list.ts";
import { backendAddress } from "../murder/backend-address.ts";
import { backendLogin } from "../murder/backend-login.ts";
import { Health } from "../murder/health.ts";
import { MurderMaildrops } from "../murder/pop3-proxy.ts";
import { connect } from "../net/connect.ts";
import { LocalMaildrops } from "../pop3/local-maildrops.ts";
import { LoginDelay } from "../pop3/login-delay.ts";
import type { Maildrops, Pop3Server } from "../pop3/server.ts";
import { Pop3Session } from "../pop3/session.ts";
import { createVerifier } from "../sasl/verify.ts";
import { openFrontendList, openRouter } from "./frontend-router.ts";
import { openMailFiles } from "./local-mail.ts";
import type { Service, ServiceContext } from "./service.ts";
import { readClientTls } from "./tls-files.ts";

export async function startPop3(context: ServiceContext, version: string): Promise<Service> {
  const { config, clock, log, metrics, tls } = context;
  const role = roleOf(config);
  const { maildrops, close } = role === "frontend" ? openFrontend(context, version) : openBackend(context, version);
  const server: Pop3Server = {
    ...{ config, clock, log, metrics, maildrops, version },
    verifier: createVerifier(config, "pop", clock),
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
    stop: close,
    status: () => ({ role }),
  };
}

const refusals = { full: "Too many open connections, try again later", ending: "Server is shutting down" } as const;

interface Opened {
  readonly maildrops: Maildrops;
  readonly close: () => Promise<void>;
}

function openBackend(context: ServiceContext, version: string): Opened {
  const { config } = context;
  const files = openMailFiles(context);
  const local = new LocalMaildrops({ config, list: files.list, store: files.store });
  const isUnified = roleOf(config) === "unified";
  const maildrops = isUnified ? openMurder(context, files.list, local, version) : local;
  return { maildrops, close: () => files.close() };
}

function openFrontend(context: ServiceContext, version: string): Opened {
  const list = openFrontendList(context);
  return { maildrops: openMurder(context, list, undefined, version), close: async () => list.close() };
}

function openMurder(
  context: ServiceContext,
  list: MailboxList,
  local: Maildrops | undefined,
  version: string,
): Maildrops {
  const { config, clock, log } = context;
  const deadlineMs = config.client_timeout * 1000;
  return new MurderMaildrops({
    router: openRouter(context, { list, keepsMailboxes: local !== undefined, version }),
    local,
    connect: (server) => connect(backendAddress(config, server, "pop3"), { timeoutMs: deadlineMs }),
    planFor: (server, user) => backendLogin(config, server, user, (each) => readClientTls(config, each)),
    ...{ deadlineMs, health: new Health(clock), clock, log },
  });
}
