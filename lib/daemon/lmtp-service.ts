// lmtpd and lmtpproxyd as a service. Where mail goes follows from imapd.conf, not from the program's name: into mailboxes of
// this server, to the backends of the murder, both, or to the users' home servers (roleOf).

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { roleOf } from "../config/role.ts";
import { LmtpClient } from "../lmtp/client.ts";
import type { Delivery } from "../lmtp/delivery.ts";
import { LocalDelivery } from "../lmtp/local-delivery.ts";
import type { LmtpServer } from "../lmtp/server.ts";
import { LmtpSession } from "../lmtp/session.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { Router } from "../mailbox/place.ts";
import { connectToBackend } from "../murder/backend-connection.ts";
import { backendLogin } from "../murder/backend-login.ts";
import { MurderDelivery, type Whereabouts } from "../murder/deliver.ts";
import { Health } from "../murder/health.ts";
import { LmtpPool } from "../murder/lmtp-pool.ts";
import { connectToAnyMaster } from "../murder/master-connection.ts";
import { MasterLocator } from "../murder/master-locator.ts";
import { masterConnectionOptions } from "../murder/master-settings.ts";
import { createVerifier } from "../sasl/verify.ts";
import { openFrontendList, openRouter } from "./frontend-router.ts";
import { openMailFiles } from "./local-mail.ts";
import type { Service, ServiceContext } from "./service.ts";
import { readClientTls } from "./tls-files.ts";
import { type OpenedHomes, openUserHomes } from "./user-homes.ts";

export interface LmtpSettings {
  /** -a: nobody has to authenticate. */
  readonly isPreauthorized: boolean;
  readonly version: string;
}

export async function startLmtp(context: ServiceContext, settings: LmtpSettings): Promise<Service> {
  const { config, clock, log, metrics, tls } = context;
  const role = roleOf(config);
  const { delivery, close, reload } = openParts(context, settings);
  const server: LmtpServer = {
    ...{ config, clock, log, metrics, delivery, ...settings },
    verifier: createVerifier(config, "lmtp", clock),
    tls: () => (config.allowstarttls ? tls() : undefined),
  };
  const sessions = new Set<LmtpSession>();
  return {
    accept(connection, ended) {
      const session = new LmtpSession(server, connection, () => {
        sessions.delete(session);
        ended();
      });
      sessions.add(session);
      session.start();
    },
    refuse: (connection, why) => LmtpSession.refuse(connection, refusals[why]),
    drain: () => {
      for (const session of sessions) session.drain();
    },
    ...(reload && { reload }),
    stop: close,
    status: () => ({ role }),
  };
}

const refusals = { full: "Too many connections, try again later", ending: "Server is shutting down" } as const;

interface Opened {
  readonly delivery: Delivery;
  readonly close: () => Promise<void>;
  readonly reload?: OpenedHomes["reload"];
}

function openParts(context: ServiceContext, settings: LmtpSettings): Opened {
  const role = roleOf(context.config);
  if (role === "frontend") return openFrontend(context, settings);
  return role === "multiplexer" ? openMultiplexer(context, settings) : openBackend(context, settings);
}

function openBackend(context: ServiceContext, { version }: LmtpSettings): Opened {
  const { config, clock, log } = context;
  const files = openMailFiles(context);
  const { list, store, quota } = files;
  const local = new LocalDelivery({
    ...{ config, list, store, quota, clock },
    onDefect: (fault, mailbox) => log.error("delivery failed", { mailbox, reason: textOf(fault) }),
  });
  if (roleOf(config) !== "unified") return { delivery: local, close: () => files.close() };
  const router = openRouter(context, { list, keepsMailboxes: true, version });
  const murder = openMurder(context, router, local);
  return { delivery: murder.delivery, close: () => murder.close().then(() => files.close()) };
}

function openFrontend(context: ServiceContext, { version }: LmtpSettings): Opened {
  const list = openFrontendList(context);
  const master = new MasterLocator(() => connectToAnyMaster(masterOptions(context)));
  const router = openRouter(context, { list, keepsMailboxes: false, version });
  const murder = openMurder(context, locatorOf(list, router, master), undefined);
  const close = async () => {
    await murder.close();
    await master.close();
    list.close();
  };
  return { delivery: murder.delivery, close };
}

/** The recipient's home decides whether it knows him (S199: no list says so here). */
function openMultiplexer(context: ServiceContext, { version }: LmtpSettings): Opened {
  const { homes, reload, close } = openUserHomes(context, version);
  const murder = openMurder(context, { locate: (name) => homes.locate(name), trustsServers: true }, undefined);
  return { delivery: murder.delivery, reload, close: () => murder.close().then(close) };
}

/** While there is no complete copy of the list here, the master is asked for what is missing. */
function locatorOf(list: MailboxList, router: Router, master: MasterLocator): Pick<Router, "locate"> {
  return {
    locate: (name) =>
      list.isComplete || list.find(name)?.state === "active" ? router.locate(name) : master.locate(name),
  };
}

function openMurder(context: ServiceContext, router: Whereabouts, local: LocalDelivery | undefined): Opened {
  const { config, clock, log } = context;
  const pool = new LmtpPool({
    open: (server) => openClient(config, server),
    idleMs: config.proxy_idle_timeout * 1000,
    health: new Health(clock),
    log,
  });
  const spoolDirectory = join(config.configdirectory, "stage");
  mkdirSync(spoolDirectory, { recursive: true, mode: 0o700 });
  const delivery = new MurderDelivery({ config, router, pool, local, spoolDirectory, log });
  return { delivery, close: async () => pool.close() };
}

async function openClient(config: Config, server: string): Promise<LmtpClient> {
  const deadlineMs = config.client_timeout * 1000;
  const connection = await connectToBackend(config, server, "lmtp", undefined);
  return await LmtpClient.open(connection, {
    plan: backendLogin(config, server, "", (each) => readClientTls(config, each)),
    ownName: config.servername,
    loginDeadlineMs: deadlineMs,
    replyDeadlineMs: config.lmtptxn_timeout * 1000,
  });
}

function masterOptions({ config, clock, log }: ServiceContext) {
  return masterConnectionOptions({ config, tlsFor: (host) => readClientTls(config, host), clock, log });
}

/** A defect is worth its stack. */
function textOf(fault: unknown): string {
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
}
