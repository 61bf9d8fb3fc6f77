// Master: runs START, opens the services' sockets, keeps workers and daemons alive, runs events, takes a new cyrus.conf
// without losing anything, and ends in order.

import { sleep } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { CyrusConf, DaemonEntry, EventEntry, ServiceEntry, StartEntry } from "../config/cyrus-conf.ts";
import { type Child, type ChildPlan, describeEnd, startChild } from "./child.ts";
import { childEnvironment, type MasterHost } from "./host.ts";
import { Keeper } from "./keeper.ts";
import { ListenError } from "./listener.ts";
import { commandLine } from "./program-path.ts";
import { Schedule } from "./schedule.ts";
import { Service, type ServiceStatus } from "./service.ts";

export interface MasterSettings {
  readonly bindErrorsFatal: boolean;
  /** How long children may take to end before they are killed. */
  readonly drainTimeoutMs: number;
}

/** Between two runs of a START command that ends with 75 (try again later): from one second, doubled up to this. */
const longestStartDelayMs = 60_000;

/** How long starting waits for workers to say that they are ready: programs that are not ours may never do. */
const longestWaitMs = 10_000;

/** On a reload an address may still be held, for a moment, by the workers of the service that had it before. */
const openRetries = 20;
const openRetryMs = 100;

/** A command of START failed, so nothing was started. */
export class StartFailed extends Error {
  override readonly name = "StartFailed";
  readonly exitCode = 69; // EX_UNAVAILABLE
}

interface Daemon {
  readonly entry: DaemonEntry;
  readonly keeper: Keeper;
}

export class Master {
  readonly #host: MasterHost;
  readonly #settings: MasterSettings;
  readonly #schedule: Schedule;
  #services = new Map<string, Service>();
  #daemons: Daemon[] = [];
  /** START commands and events that run now, by name. */
  readonly #commands = new Map<string, Child>();
  readonly #stopping = new AbortController();
  #reloading: Promise<void> = Promise.resolve();

  constructor(host: MasterHost, settings: MasterSettings) {
    this.#host = host;
    this.#settings = settings;
    this.#schedule = new Schedule(host.clock, (event) => this.#runEvent(event));
  }

  /** Resolves when everything is up; rejects when START failed or nothing can be listened on. */
  async start(conf: CyrusConf): Promise<void> {
    for (const entry of conf.start) await this.#runStart(entry);
    for (const entry of conf.services) await this.#open(entry, this.#settings.bindErrorsFatal);
    if (conf.services.length > 0 && this.#services.size === 0) throw new StartFailed("Cannot start any service");
    for (const entry of conf.daemon) await this.#startDaemon(entry);
    await this.#atMost(longestWaitMs, Promise.all([...this.#services.values()].map((service) => service.start())));
    if (!this.#stopping.signal.aborted) this.#schedule.start(conf.events);
  }

  status(): readonly ServiceStatus[] {
    return [...this.#services.values()].map((service) => service.status());
  }

  /** Takes a new cyrus.conf, one after the other when several come at once. START is not run again. */
  reload(conf: CyrusConf): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(conf));
    return this.#reloading;
  }

  async #reload(conf: CyrusConf): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const wanted = new Map(conf.services.map((entry) => [entry.name, entry]));
    for (const [name, service] of this.#services) {
      if (listensAlike(service.entry, wanted.get(name))) continue;
      this.#services.delete(name);
      this.#inBackground(service.stop());
    }
    for (const entry of conf.services) await this.#adopt(entry);
    await this.#reloadDaemons(conf.daemon);
    this.#schedule.replace(conf.events);
    this.#host.log.notice("reconfigured", { services: this.#services.size });
  }

  async #adopt(entry: ServiceEntry): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const service = this.#services.get(entry.name);
    try {
      if (!service) await (await this.#openPatiently(entry)).start();
      else if (isSame(service.entry, entry)) service.signal("SIGHUP");
      else await service.reconfigure(entry);
    } catch (fault) {
      this.#host.log.error("cannot reconfigure", { service: entry.name, reason: describeFault(fault) });
    }
  }

  async #reloadDaemons(entries: readonly DaemonEntry[]): Promise<void> {
    const unchanged = this.#daemons.filter((daemon) => entries.some((entry) => isSame(daemon.entry, entry)));
    const gone = this.#daemons.filter((daemon) => !unchanged.includes(daemon));
    this.#daemons = unchanged;
    for (const daemon of unchanged) daemon.keeper.signal("SIGHUP");
    await Promise.all(gone.map((daemon) => daemon.keeper.stop()));
    for (const entry of entries) {
      if (!unchanged.some((daemon) => isSame(daemon.entry, entry))) await this.#startDaemon(entry);
    }
  }

  /** Ends everything: services first, then daemons in reverse order. Who takes longer than the drain timeout is killed. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("Master is ending"));
    this.#schedule.stop();
    const timer = this.#host.clock.after(this.#settings.drainTimeoutMs, () => this.#killAll());
    for (const child of this.#commands.values()) child.signal("SIGTERM");
    await Promise.all([...this.#services.values()].map((service) => service.stop()));
    for (const daemon of this.#daemons.toReversed()) await daemon.keeper.stop();
    await Promise.all([...this.#commands.values()].map((child) => child.ended));
    timer.cancel();
  }

  #killAll(): void {
    this.#host.log.warning("drain timeout passed, killing what still runs");
    for (const service of this.#services.values()) service.signal("SIGKILL");
    for (const { keeper } of this.#daemons) keeper.signal("SIGKILL");
    for (const child of this.#commands.values()) child.signal("SIGKILL");
  }

  async #open(entry: ServiceEntry, failureIsFatal: boolean): Promise<Service | undefined> {
    try {
      const service = await Service.open(this.#host, entry);
      this.#services.set(entry.name, service);
      return service;
    } catch (fault) {
      if (failureIsFatal) throw fault;
      this.#host.log.error("service left out", { service: entry.name, reason: describeFault(fault) });
      return undefined;
    }
  }

  async #openPatiently(entry: ServiceEntry): Promise<Service> {
    for (let attempt = 0; ; attempt++) {
      try {
        const service = await Service.open(this.#host, entry);
        this.#services.set(entry.name, service);
        return service;
      } catch (fault) {
        if (!(fault instanceof ListenError) || attempt === openRetries) throw fault;
        await sleep(this.#host.clock, openRetryMs, this.#stopping.signal);
      }
    }
  }

  /**
   * A command that asks to be tried again (75) does not hold up the services: most often it is the announcement to a MUPDATE
   * master that is away, and one machine that is down must not keep another one down.
   */
  async #runStart(entry: StartEntry): Promise<void> {
    const end = await this.#startCommand(entry.name, entry.command).ended;
    this.#stopping.signal.throwIfAborted();
    if (end.code === 75) this.#inBackground(this.#retryStart(entry));
    else if (end.code !== 0)
      throw new StartFailed(`Cannot start: ${entry.name} (${entry.command}): ${describeEnd(end)}`);
  }

  /** Until it ends otherwise, or master does. Never rejects. */
  async #retryStart(entry: StartEntry): Promise<void> {
    const { clock, log } = this.#host;
    for (let attempt = 1; ; attempt++) {
      log.warning("start command asks to be tried again", { name: entry.name, attempt });
      const delayMs = Math.min(1000 * 2 ** (attempt - 1), longestStartDelayMs);
      const isOver = await sleep(clock, delayMs, this.#stopping.signal).then(
        () => false,
        () => true,
      );
      if (isOver) return;
      const end = await this.#startCommand(entry.name, entry.command).ended;
      if (this.#stopping.signal.aborted) return;
      if (end.code === 75) continue;
      if (end.code === 0) log.info("start command done", { name: entry.name, attempt });
      else log.error("start command failed", { name: entry.name, reason: describeEnd(end) });
      return;
    }
  }

  async #startDaemon(entry: DaemonEntry): Promise<void> {
    const keeper = new Keeper({
      clock: this.#host.clock,
      log: this.#host.log.with({ daemon: entry.name }),
      mostStartsPerSecond: entry.maxforkrate,
      plan: async () => ({
        argv: commandLine(entry.command, this.#host.programs),
        environment: { ...childEnvironment(this.#host), CYRUS_SERVICE: entry.name },
        listenDescriptors: [],
        maxOpenFiles: entry.maxfds,
      }),
      restarts: () => true,
    });
    this.#daemons.push({ entry, keeper });
    const ready = keeper.start();
    if (!entry.wait) return;
    if (!(await ready)) throw new StartFailed(`Cannot start: daemon ${entry.name} ended before it was ready`);
  }

  #runEvent(event: EventEntry): void {
    if (this.#commands.has(event.name)) {
      this.#host.log.notice("event is due but still runs from before", { event: event.name });
      return;
    }
    try {
      const child = this.#startCommand(event.name, event.command);
      this.#inBackground(
        child.ended.then((end) => {
          const level = end.code === 0 ? "debug" : "warning";
          this.#host.log[level]("event ended", { event: event.name, end: describeEnd(end) });
        }),
      );
    } catch (fault) {
      this.#host.log.error("cannot run event", { event: event.name, reason: describeFault(fault) });
    }
  }

  #startCommand(name: string, command: string): Child {
    const child = startChild(this.#commandPlan(command));
    this.#commands.set(name, child);
    this.#inBackground(child.ended.then(() => void this.#commands.delete(name)));
    return child;
  }

  #commandPlan(command: string): ChildPlan {
    return {
      argv: commandLine(command, this.#host.programs),
      environment: childEnvironment(this.#host),
      listenDescriptors: [],
      maxOpenFiles: 0,
    };
  }

  #atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#host.clock.after(limitMs, resolve);
      work.then(() => resolve(), reject).finally(() => timer.cancel());
    });
  }

  #inBackground(work: Promise<unknown>): void {
    work.catch((fault: unknown) => this.#host.log.error("failed", { reason: describeFault(fault) }));
  }
}

function listensAlike(entry: ServiceEntry, other: ServiceEntry | undefined): boolean {
  return other !== undefined && entry.listen === other.listen && entry.protocol === other.protocol;
}

function isSame(a: object, b: object): boolean {
  return Bun.deepEquals(a, b);
}
