// The two roles of the mupdate program as services: the master over its list in SQLite, and the replica that keeps this
// machine's list equal to a master's and serves it on.

import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { No } from "../base/fault.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import type { MailboxList } from "../mailbox/list.ts";
import { openMailboxList } from "../mailbox/list-sqlite.ts";
import { refusalTexts } from "../mupdate/dialect.ts";
import type { UpstreamStatus } from "../mupdate/extension.ts";
import { type KickServer, kickPath, serveKicks } from "../mupdate/kick.ts";
import { type MailboxRecord, recordOf } from "../mupdate/record.ts";
import type { Registry, RegistryReader } from "../mupdate/registry.ts";
import { MasterRegistry } from "../mupdate/registry-master.ts";
import { MirrorRegistry } from "../mupdate/registry-mirror.ts";
import type { BannerFacts } from "../mupdate/reply.ts";
import { MupdateService, refuseConnection } from "../mupdate/service.ts";
import { connectToMaster, masterNames, masterPlace } from "../murder/master-connection.ts";
import { masterConnectionOptions } from "../murder/master-settings.ts";
import { Replica } from "../murder/replica.ts";
import { authorize } from "../sasl/authorize.ts";
import { mechanismsFor } from "../sasl/login-policy.ts";
import { createVerifier } from "../sasl/verify.ts";
import type { Service, ServiceContext } from "./service.ts";
import { readClientTls } from "./tls-files.ts";

export interface MupdateSettings {
  readonly role: "master" | "replica" | "auto";
  /** For the greeting. */
  readonly version: string;
}

/** RFC 3656 §2 asks for 15 minutes at least; Cyrus waits three hours. */
const idleMs = 180 * 60 * 1000;

export async function startMupdate(context: ServiceContext, { role, version }: MupdateSettings): Promise<Service> {
  const { config } = context;
  const isMaster = role === "master" || (role === "auto" && (await isHere(config)));
  if (!isMaster && !config.mupdate_server) {
    throw new ConfigError(["mupdate_server is not set: there is no master to follow (-m makes this one the master)"]);
  }
  if (isMaster && config.mupdate_config === "unified") {
    throw new ConfigError(["mupdate_config: a unified server cannot be the MUPDATE master"]);
  }
  const list = openMailboxList({ path: config.mboxlist_db_path, clock: context.clock });
  return isMaster ? startMaster(context, list, version) : startReplica(context, list, version);
}

async function startMaster(context: ServiceContext, list: MailboxList, version: string): Promise<Service> {
  const { config, clock, log } = context;
  const feed = await list.beginFeed(true);
  const records: MailboxRecord[] = [];
  for (const entry of list.entries()) {
    const record = entry.server === "" ? undefined : recordOf(entry, "");
    if (record) records.push(record);
  }
  const registry = new MasterRegistry({
    journal: list,
    feed,
    records,
    isReplicated: config.mupdate_config === "replicated",
    clock,
    deadlineMs: config.mupdate_response_timeout * 1000,
  });
  // The authority's list is never partial: its whole feed is kept, and a frontend over the same list may believe it.
  await list.setComplete(true);
  log.notice("mupdate master", { mailboxes: registry.size });
  // A frontend on the same machine reads this very list: it is never behind.
  const kicks = await serveKicks(kickPath(config.configdirectory), async () => true);
  const service = serviceOver(context, registry, { version, upstream: undefined }, () => true);
  return asService(service, { list, kicks }, () => ({ role: "master", mailboxes: registry.size }));
}

async function startReplica(context: ServiceContext, list: MailboxList, version: string): Promise<Service> {
  const { config, clock, log } = context;
  const options = masterConnectionOptions({
    config,
    tlsFor: (host) => readClientTls(config, host),
    clock,
    log,
  });
  const replica = new Replica({
    list,
    servers: masterNames(options.servers),
    connect: (server, lost) => connectToMaster(server, options, lost),
    ownServer: config.servername,
    retryDelayMs: config.mupdate_retry_delay * 1000,
    heartbeatMs: Math.max(1, config.mupdate_heartbeat) * 1000,
    shrinkDelayMs: config.mupdate_shrink_delay * 1000,
    clock,
    log,
    random: Math.random,
  });
  const kicks = await serveKicks(kickPath(config.configdirectory), () => replica.settle());
  const running = replica.run();
  const mirror = new MirrorRegistry({
    list,
    feed: await list.beginFeed(),
    ownServer: config.servername,
    settle: () => replica.settle(),
  });
  const service = serviceOver(
    context,
    mirror,
    { version, upstream: masterNames(options.servers)[0] },
    () => list.isComplete,
    () => replica.status,
  );
  const stopReplica = async () => {
    replica.stop();
    await running;
  };
  return asService(service, { list, kicks, stopReplica }, () => ({
    role: "replica",
    state: replica.state,
    mailboxes: list.size,
    isComplete: list.isComplete,
  }));
}

function serviceOver(
  context: ServiceContext,
  registry: Registry | RegistryReader,
  facts: Pick<BannerFacts, "version" | "upstream">,
  isReady: () => boolean,
  upstream?: () => UpstreamStatus,
): MupdateService {
  const { config, clock, log, tls } = context;
  return new MupdateService({
    session: {
      registry,
      banner: { hostName: config.servername, product: "iatlas", ...facts },
      authentication: {
        verifier: createVerifier(config, "mupdate", clock),
        offered: (connection, sasl) => mechanismsFor(connection, config, sasl),
        authorize(authenticated) {
          const { user } = authorize(authenticated, config);
          // Whoever he is and acts for: both are administrators, or he stays outside.
          if (authorize({ authenticationId: user, authorizationId: "" }, config).isAdmin) return user;
          throw new No("AUTHORIZATIONFAILED", "Only administrators may use MUPDATE");
        },
      },
      tls: () => (config.allowstarttls ? tls() : undefined),
      failedLoginPauseMs: config.failedloginpause * 1000,
      idleMs,
      loginIdleMs: config.login_timeout * 1000,
      clock,
      log,
    },
    maxConnections: config.mupdate_connections_max,
    isReady,
    ...(upstream && { upstream }),
  });
}

interface Held {
  readonly list: MailboxList;
  readonly kicks: KickServer;
  readonly stopReplica?: () => Promise<void>;
}

function asService(service: MupdateService, held: Held, status: () => Readonly<Record<string, unknown>>): Service {
  return {
    accept: (connection, ended) => service.accept(connection, ended),
    refuse: (connection, why) =>
      refuseConnection(connection, why === "full" ? refusalTexts.full : refusalTexts.notReady, () => {}),
    drain: () => service.dismissAll("Server is shutting down"),
    async stop() {
      held.kicks.stop();
      await held.stopReplica?.();
      held.list.close();
    },
    status: () => ({ ...status(), sessions: service.sessions }),
  };
}

/** Whether mupdate_server names this machine (-a). */
async function isHere(config: Config): Promise<boolean> {
  const own = new Set(Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []));
  for (const name of masterNames(config.mupdate_server ?? "")) {
    const place = masterPlace(name, config.mupdate_port);
    if ("path" in place) return true;
    const addresses = await lookup(place.host, { all: true }).catch(() => []);
    if (addresses.some(({ address }) => own.has(address))) return true;
  }
  return false;
}
