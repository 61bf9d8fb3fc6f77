// The process around lib/master: options, configuration, pid file, signals, ready file, and the order of the end.

import { chownSync, closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { systemClock } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { Metrics } from "../base/metrics.ts";
import type { Config } from "../config/config.ts";
import { defaultCyrusConfPath, loadCyrusConf } from "../config/cyrus-conf.ts";
import { defaultConfigPath, loadConfig } from "../config/load-config.ts";
import { environmentForChildren } from "../master/environment.ts";
import type { MasterHost } from "../master/host.ts";
import { Master } from "../master/master.ts";
import { claimPidFile } from "../master/pid-file.ts";
import type { ProgramFolder } from "../master/program-path.ts";
import { closeDescriptor, endWithParent, makePipe, nameProcess, redirect } from "../net/libc.ts";
import { notifyReady, notifyReloading, notifyStopping } from "../net/notify.ts";
import { openLog } from "./log-target.ts";
import { serviceUser, setUmask } from "./privileges.ts";
import { type Signals, watchSignals } from "./signals.ts";
import { openStatusPage } from "./status-page.ts";

/** Cyrus' letters. -D is how we always are, unless -d. */
export const masterOptions = {
  config: { short: "C", value: "file", doc: "Configuration file instead of /etc/imapd.conf; the programs get it too." },
  services: { short: "M", value: "file", doc: "File of services instead of /etc/cyrus.conf." },
  backlog: { short: "l", value: "count", type: "integer", doc: "Connections that may wait to be accepted; 512." },
  pidfile: { short: "p", value: "file", doc: "Process id file instead of master_pid_file." },
  readyfile: { short: "r", value: "file", doc: "Ready file instead of master_ready_file." },
  log: { short: "L", value: "file", doc: "Write standard output and standard error to this file." },
  daemon: { short: "d", doc: "Go to the background once the process id file is locked." },
  stay: { short: "D", doc: "Stay in the foreground, which is what happens without -d." },
  janitor: { short: "j", value: "count", ignored: true, doc: "Cyrus' sweeps a second." },
  verbose: { short: "v", repeat: true, doc: "Log more." },
  parent: { value: "pid", type: "integer", doc: "End with this process, which has started master." },
} as const;

export interface MasterFlags {
  readonly config: string | undefined;
  readonly services: string | undefined;
  readonly backlog: number | undefined;
  readonly pidfile: string | undefined;
  readonly readyfile: string | undefined;
  readonly log: string | undefined;
  readonly daemon: boolean;
  readonly verbose: number;
  readonly parent: number | undefined;
}

export interface MasterProgram {
  /** Of the program's source. Compiled in, it is not where the programs are. */
  readonly folder: string;
  readonly version: string;
}

/** Killing who does not end comes this much after the workers have cut off their sessions themselves. */
const killAfterDrainMs = 5_000;

/** Runs until SIGTERM; gives the exit code. */
export async function runMaster(flags: MasterFlags, program: MasterProgram): Promise<number> {
  if (flags.daemon) return startInBackground(flags, program);
  if (flags.log !== undefined) writeTo(flags.log);
  if (flags.parent !== undefined) {
    endWithParent();
    if (process.ppid !== flags.parent) return 0;
  }
  const signals = watchSignals();
  nameProcess("master");
  const { config, warnings } = loadConfig(flags.config ?? defaultConfigPath, "master");
  const log = openLog({ ...config, debug: config.debug || flags.verbose > 0 }, "master");
  const servicesPath = flags.services ?? defaultCyrusConfPath;
  const conf = loadCyrusConf(servicesPath);
  for (const warning of [...warnings, ...conf.warnings]) log.warning("configuration", { warning });
  setUmask(config);
  prepareFolders(config);
  const pidFile = claimPidFile(flags.pidfile ?? config.master_pid_file, process.pid);
  reportLocked();
  const readyFile = flags.readyfile ?? config.master_ready_file;
  rmSync(readyFile, { force: true });
  const master = new Master(makeHost(flags, program, log), {
    bindErrorsFatal: config.master_bind_errors_fatal,
    drainTimeoutMs: config.drain_timeout * 1000 + killAfterDrainMs,
  });
  try {
    return await superintend(master, { signals, log, config, readyFile, program, servicesPath, conf, flags });
  } finally {
    rmSync(readyFile, { force: true });
    pidFile.release();
    signals.dispose();
  }
}

interface Superintendence {
  readonly signals: Signals;
  readonly log: Log;
  readonly config: Config;
  readonly readyFile: string;
  readonly servicesPath: string;
  readonly program: MasterProgram;
  readonly conf: ReturnType<typeof loadCyrusConf>;
  readonly flags: MasterFlags;
}

async function superintend(master: Master, it: Superintendence): Promise<number> {
  const { log, config, readyFile, signals } = it;
  const startedAt = new Date(systemClock.now()).toISOString();
  const page = openStatusPage({
    configDirectory: config.configdirectory,
    serviceName: "master",
    metricsListen: config.metrics_listen,
    metrics: new Metrics(),
    log,
    state: () => ({
      program: "master",
      version: it.program.version,
      pid: process.pid,
      startedAt,
      memoryBytes: process.memoryUsage.rss(),
      config: it.flags.config ?? defaultConfigPath,
      services: master.status(),
    }),
  });
  // A signal during a long START must end it, so both are waited for.
  const started = master.start(it.conf).then(() => "started" as const);
  try {
    const first = await Promise.race([started, signals.ending]);
    if (first === "started") {
      writeFileSync(readyFile, `${process.pid}\n`);
      log.info("ready", { services: master.status().length });
      notifyReady(process.env.NOTIFY_SOCKET, `${master.status().length} services`);
      signals.onReload(() => void reload(master, it)); // reload() logs what it throws
      log.info("ending", { signal: await signals.ending });
    } else {
      started.catch(() => {}); // stop() below makes it fail
      log.info("ending", { signal: first });
    }
    return 0;
  } catch (fault) {
    log.error("cannot start", { reason: describeFault(fault) });
    throw fault;
  } finally {
    rmSync(readyFile, { force: true });
    notifyStopping(process.env.NOTIFY_SOCKET);
    await master.stop();
    page.close();
  }
}

async function reload(master: Master, it: Superintendence): Promise<void> {
  notifyReloading(process.env.NOTIFY_SOCKET, Number(process.hrtime.bigint() / 1_000_000n));
  try {
    loadConfig(it.flags.config ?? defaultConfigPath, "master");
    const conf = loadCyrusConf(it.servicesPath);
    for (const warning of conf.warnings) it.log.warning("configuration", { warning });
    await master.reload(conf);
  } catch (fault) {
    it.log.error("not reloaded, going on as before", { reason: describeFault(fault) });
  }
  notifyReady(process.env.NOTIFY_SOCKET, `${master.status().length} services`);
}

function makeHost(flags: MasterFlags, program: MasterProgram, log: Log): MasterHost {
  return {
    clock: systemClock,
    log,
    pid: process.pid,
    processors: availableParallelism(),
    programs: programFolder(program.folder, flags.config),
    environment: environmentForChildren(process.env),
    backlog: flags.backlog ?? 512,
    onInput: watchInput(),
  };
}

/** One handler of the signal for all services: Node warns of a leak when there are more than ten. */
function watchInput(): MasterHost["onInput"] {
  const handlers = new Set<() => void>();
  process.on("SIGIO", () => {
    for (const handler of [...handlers]) handler();
  });
  return (handler) => {
    handlers.add(handler);
    return () => void handlers.delete(handler);
  };
}

/** From source our programs are run by the Bun that runs us; compiled they are beside our executable. */
function programFolder(sourceFolder: string, configPath: string | undefined): ProgramFolder {
  return isSource(sourceFolder)
    ? { folder: sourceFolder, runtime: process.execPath, configPath }
    : { folder: dirname(calledPath()), runtime: undefined, configPath };
}

/** The path we were called by, whose folder has a link for each program; the executable's own when it was found in PATH. */
function calledPath(): string {
  return resolve(process.argv0.includes("/") ? process.argv0 : (Bun.which(process.argv0) ?? process.execPath));
}

/** The services' own folders are made by us, who may be root, and are theirs. */
function prepareFolders(config: Config): void {
  const owner = serviceUser(config);
  for (const name of ["socket", "proc"]) {
    const folder = join(config.configdirectory, name);
    mkdirSync(folder, { recursive: true });
    if (owner) chownSync(folder, owner.uid, owner.gid);
  }
}

/** Bun keeps the sources of a compiled program in a folder that exists only inside it. */
function isSource(folder: string): boolean {
  return !folder.startsWith("/$bunfs/");
}

function writeTo(path: string): void {
  const fd = openSync(path, "a");
  redirect(fd, 1);
  redirect(fd, 2);
  closeSync(fd);
}

/** In the environment of the master that -d starts: say "ok" on descriptor 3 when the pid file is locked. */
const backgroundVariable = "IATLAS_BACKGROUND";

function reportLocked(): void {
  if (process.env[backgroundVariable] === undefined) return;
  writeSync(3, "ok");
  closeSync(3);
}

/** Starts the same again without -d, waits until its pid file is locked, and leaves it running. */
async function startInBackground(flags: MasterFlags, program: MasterProgram): Promise<number> {
  // What is wrong with the files is said here, where somebody reads it.
  const { config } = loadConfig(flags.config ?? defaultConfigPath, "master");
  loadCyrusConf(flags.services ?? defaultCyrusConfPath);
  prepareFolders(config);
  claimPidFile(flags.pidfile ?? config.master_pid_file, process.pid).release();
  const words = process.argv.slice(2).filter((word) => word !== "-d" && word !== "--daemon");
  const command = isSource(program.folder) ? [process.execPath, process.argv[1]!] : [calledPath()];
  const status = makePipe();
  const child = Bun.spawn([...command, ...words], {
    stdio: ["ignore", "ignore", "ignore", status.writeEnd],
    env: { ...process.env, [backgroundVariable]: "1" },
    detached: true,
  });
  closeDescriptor(status.writeEnd);
  const isLocked = (await Bun.file(status.readEnd).text()) === "ok";
  child.unref();
  return isLocked ? 0 : (child.exitCode ?? 1);
}
