// What every server program does around its protocol: configuration, log, privileges, sockets (master's or its own),
// ready, serve, reload on SIGHUP, drain on SIGTERM, end.

import { type Clock, systemClock } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { Metrics } from "../base/metrics.ts";
import { NetworkList } from "../base/network-list.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { defaultConfigPath, loadConfig } from "../config/load-config.ts";
import type { Program } from "../config/option.ts";
import { openListeners } from "../master/listener.ts";
import { parseListenAddress } from "../net/address.ts";
import type { Connection, ServerTls } from "../net/connection.ts";
import { endWithParent, nameProcess } from "../net/libc.ts";
import { type Listener, listen, type TrustedProxies } from "../net/listen.ts";
import { Connections, mostConnections, type Refusal } from "./connections.ts";
import { type Inheritance, readInheritance, reportReady } from "./inheritance.ts";
import { openLog } from "./log-target.ts";
import { dropPrivileges, setUmask } from "./privileges.ts";
import type { ServiceFlags } from "./service-options.ts";
import { type Signals, watchSignals } from "./signals.ts";
import { openStatusPage } from "./status-page.ts";
import { Certificates } from "./tls-files.ts";

/** What a program's protocol gets to work with. */
export interface ServiceContext {
  readonly program: Program;
  /** The name in cyrus.conf. */
  readonly serviceName: string;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Aborted when the program begins to end. */
  readonly shutdown: AbortSignal;
  /** The certificate in force, renewed by SIGHUP; undefined when TLS is not configured. */
  readonly tls: () => ServerTls | undefined;
  /** -s: connections arrive under TLS. */
  readonly isImplicitTls: boolean;
}

export interface Service {
  /** Serves a connection; calls `ended` once, when the session is over and everything it held is released. */
  accept(connection: Connection, ended: () => void): void;
  /** Says in the protocol's words why not, and closes. */
  refuse(connection: Connection, why: Refusal): void;
  /** Asks the sessions to end as soon as they can; who has not within drain_timeout is cut off. */
  drain?(): void;
  /** SIGHUP: options that can change while sessions go on. Certificates are taken care of. */
  reload?(config: Config): void | Promise<void>;
  /** After the last session: closes databases, ends background work. */
  stop?(): Promise<void>;
  /** Added to the status page. */
  status?(): Readonly<Record<string, unknown>>;
}

export interface ServiceDefinition {
  readonly program: Program;
  /** The service's name when it was not started by master: its `<name>_<option>` lines count. */
  readonly defaultServiceName: string;
  readonly defaultPort: number;
  /** With -s. */
  readonly defaultTlsPort?: number;
  /** File descriptors that a session needs at most: 2 where each client has a connection to a backend. 1 when absent. */
  readonly descriptorsPerConnection?: number;
  /** The program keeps mailboxes: partitions must be defined. */
  readonly needsPartitions?: boolean;
  start(context: ServiceContext): Promise<Service>;
}

/** Runs until SIGTERM; gives the exit code. Throws ConfigError and what `start` throws. */
export async function runService(definition: ServiceDefinition, flags: ServiceFlags): Promise<number> {
  const signals = watchSignals();
  const inheritance = readInheritance(process.env);
  if (!staysWithMaster(inheritance)) return 0;
  const serviceName = inheritance.serviceName ?? definition.defaultServiceName;
  nameProcess(definition.program);
  const load = () =>
    loadConfig(flags.config ?? defaultConfigPath, serviceName, {
      needsPartitions: definition.needsPartitions ?? false,
    });
  const { config, warnings } = load();
  const log = openLog(config, serviceName);
  if (inheritance.masterPid === undefined) for (const warning of warnings) log.warning("configuration", { warning });
  setUmask(config);
  const descriptors = await listeningDescriptors(definition, flags, inheritance);
  dropPrivileges(config);
  if (!staysWithMaster(inheritance)) return 0; // a change of user ends the tie, prctl(2)

  const stopping = new AbortController();
  const certificates = new Certificates(config, log);
  const context: ServiceContext = {
    program: definition.program,
    serviceName,
    config,
    log,
    metrics: new Metrics(),
    clock: systemClock,
    shutdown: stopping.signal,
    tls: () => certificates.current,
    isImplicitTls: flags.tls,
  };
  if (flags.tls && !certificates.current) throw new ConfigError(["-s needs tls_server_cert, which is not set"]);
  const service = await definition.start(context);
  const { descriptorsPerConnection = 1 } = definition;
  return serve(context, service, {
    signals,
    inheritance,
    descriptors,
    stopping,
    load,
    certificates,
    descriptorsPerConnection,
  });
}

interface Running {
  readonly signals: Signals;
  readonly inheritance: Inheritance;
  readonly descriptors: readonly number[];
  readonly stopping: AbortController;
  readonly load: () => { readonly config: Config };
  readonly certificates: Certificates;
  readonly descriptorsPerConnection: number;
}

async function serve(context: ServiceContext, service: Service, running: Running): Promise<number> {
  const { log, config, clock, metrics } = context;
  const connections = new Connections({
    log,
    clock,
    metrics,
    most: mostConnections(running.inheritance.maxConnections, running.descriptorsPerConnection),
    accept: (connection, ended) => service.accept(connection, ended),
    refuse: (connection, why) => service.refuse(connection, why),
  });
  surviveDefects(context);
  const listeners = await Promise.all(running.descriptors.map((fd) => listenOn(fd, context, connections)));
  const page = openStatusPage({
    configDirectory: config.configdirectory,
    serviceName: context.serviceName,
    metricsListen: config.metrics_listen,
    metrics,
    log,
    state: stateOf(context, service, connections, running.inheritance),
  });
  running.signals.onReload(() => void reload(context, service, running)); // reload() logs what it throws
  reportReady(running.inheritance);
  log.info("ready", { addresses: listeners.map((listener) => listener.path ?? listener.port).join(",") });

  const signal = await running.signals.ending;
  log.info("ending", { signal, connections: connections.count });
  for (const listener of listeners) listener.stop();
  running.stopping.abort(new Error("The server is ending"));
  const drained = connections.drain(config.drain_timeout * 1000);
  service.drain?.();
  await drained;
  await service.stop?.();
  page.close();
  running.signals.dispose();
  return 0;
}

/** Our own sockets are opened while we may still be root; nothing is accepted before the service has started. */
async function listeningDescriptors(
  definition: ServiceDefinition,
  flags: ServiceFlags,
  inheritance: Inheritance,
): Promise<readonly number[]> {
  if (inheritance.listenDescriptors.length > 0) return inheritance.listenDescriptors;
  const port = flags.tls ? (definition.defaultTlsPort ?? definition.defaultPort) : definition.defaultPort;
  const addresses = flags.listen.length > 0 ? flags.listen : [String(port)];
  const options = { protocol: "tcp", backlog: 512, reusePort: false } as const;
  const opened = [];
  for (const address of addresses) opened.push(...(await openListeners(parseListenAddress(address), options)));
  return opened.map((listener) => listener.fd);
}

function listenOn(fd: number, context: ServiceContext, connections: Connections): Promise<Listener> {
  const { config, log, tls, isImplicitTls } = context;
  return listen(
    { fd },
    {
      ...(isImplicitTls && { tls: () => tls()! }), // runService() refused -s without a certificate
      ...(config.proxy_protocol_from.length > 0 && { proxies: trustedProxies(config, log) }),
      onConnection: (connection) => connections.take(connection),
      onError: (fault, connection) =>
        log.info("tls handshake failed", { client: connection.remote.host, reason: describeFault(fault) }),
    },
  );
}

/** How long a balancer may take for its header, which it sends with the client's first bytes or before them. */
const proxyHeaderTimeoutMs = 5_000;

function trustedProxies(config: Config, log: Log): TrustedProxies {
  const networks = new NetworkList(config.proxy_protocol_from);
  return {
    includes: (host) => networks.includes(host),
    headerTimeoutMs: proxyHeaderTimeoutMs,
    onFault: (fault, { remote }) => log.info("no proxy header", { proxy: remote.host, reason: describeFault(fault) }),
  };
}

async function reload(context: ServiceContext, service: Service, running: Running): Promise<void> {
  try {
    const { config } = running.load();
    running.certificates.renew(config);
    await service.reload?.(config);
    context.log.notice("reloaded");
  } catch (fault) {
    context.log.error("not reloaded", { reason: describeFault(fault) });
  }
}

/**
 * A defect in one session must not end the others: what nobody caught is logged and counted. Sessions and background work
 * catch their own faults, so anything here is worth a bug report.
 */
function surviveDefects({ log, metrics }: ServiceContext): void {
  const counter = metrics.counter("iatlas_defects_total", "Faults that nothing caught");
  const report = (fault: unknown) => {
    counter.inc();
    log.error("defect", { reason: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) });
  };
  process.on("uncaughtException", report);
  process.on("unhandledRejection", report);
}

function stateOf(context: ServiceContext, service: Service, connections: Connections, inheritance: Inheritance) {
  const startedAt = new Date(context.clock.now()).toISOString();
  return () => ({
    program: context.program,
    service: context.serviceName,
    worker: inheritance.workerId,
    pid: process.pid,
    startedAt,
    state: context.shutdown.aborted ? "ending" : "serving",
    connections: connections.count,
    memoryBytes: process.memoryUsage.rss(),
    ...service.status?.(),
  });
}

/** Ties our life to master's; false when master ended before that could be done. */
function staysWithMaster(inheritance: Inheritance): boolean {
  if (inheritance.masterPid === undefined) return true;
  endWithParent();
  return process.ppid === inheritance.masterPid;
}
