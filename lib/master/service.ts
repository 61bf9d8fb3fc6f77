// One line of SERVICES: its sockets and its workers. A worker serves many connections, so `prefork` counts event loops,
// not connections. Several workers on TCP each get a socket of their own (SO_REUSEPORT): the kernel spreads connections
// evenly over sockets, but unevenly over processes that share one.

import type { ServiceEntry } from "../config/cyrus-conf.ts";
import { type ListenAddress, parseListenAddress } from "../net/address.ts";
import { isReadable, signalInput } from "../net/libc.ts";
import type { ChildPlan } from "./child.ts";
import { childEnvironment, type MasterHost } from "./host.ts";
import { Keeper } from "./keeper.ts";
import { type Listener, openListeners } from "./listener.ts";
import { commandLine } from "./program-path.ts";

interface Worker {
  readonly keeper: Keeper;
  /** Its own sockets; undefined when it shares the service's, or while it waits after too many deaths. */
  listeners: readonly Listener[] | undefined;
}

export interface ServiceStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly workers: readonly { readonly pid: number | undefined; readonly state: string; readonly starts: number }[];
}

export class Service {
  readonly #host: MasterHost;
  readonly #address: ListenAddress;
  #entry: ServiceEntry;
  /** The first worker's, and of all workers that share. They give the port when that was left to the kernel. */
  #shared: Listener[] = [];
  #workers: Worker[] = [];
  #stopWatching: (() => void) | undefined;

  private constructor(host: MasterHost, entry: ServiceEntry) {
    this.#host = host;
    this.#entry = entry;
    this.#address = parseListenAddress(entry.listen);
  }

  /** Opens the sockets; throws when that is impossible or there is no such program. Nothing is started yet. */
  static async open(host: MasterHost, entry: ServiceEntry): Promise<Service> {
    const service = new Service(host, entry);
    commandLine(entry.command, host.programs);
    await service.#probe();
    service.#shared = await service.#openSockets(undefined);
    for (const { address } of service.#shared) host.log.info("listening", { service: entry.name, address });
    return service;
  }

  get entry(): ServiceEntry {
    return this.#entry;
  }

  status(): ServiceStatus {
    return {
      name: this.#entry.name,
      addresses: this.#shared.map((listener) => listener.address),
      workers: this.#workers.map(({ keeper }) => ({ pid: keeper.pid, state: keeper.state, starts: keeper.starts })),
    };
  }

  /** Starts the workers, or waits for the first connection; resolves when all said they are ready or ended. */
  async start(): Promise<void> {
    const count = this.#workerCount();
    this.#workers = Array.from({ length: Math.max(1, count) }, (_, index) => this.#makeWorker(index));
    if (count === 0) this.#watch();
    else await Promise.all(this.#workers.map(({ keeper }) => keeper.start()));
  }

  /** Takes what can change while the sockets stay: command, counts, limits. New workers come before old ones go. */
  async reconfigure(entry: ServiceEntry): Promise<void> {
    commandLine(entry.command, this.#host.programs);
    const old = this.#workers;
    this.#unwatch();
    this.#entry = entry;
    await this.start();
    await Promise.all(old.map((worker) => this.#stopWorker(worker)));
  }

  signal(name: "SIGHUP" | "SIGKILL"): void {
    for (const { keeper } of this.#workers) keeper.signal(name);
  }

  /** Closes the sockets and ends the workers, which finish what they have begun. */
  async stop(): Promise<void> {
    this.#unwatch();
    const stopping = this.#workers.map((worker) => this.#stopWorker(worker));
    for (const listener of this.#shared) listener.close();
    this.#shared = [];
    await Promise.all(stopping);
  }

  async #stopWorker(worker: Worker): Promise<void> {
    this.#closeOwn(worker);
    await worker.keeper.stop();
  }

  #workerCount(): number {
    const { processes, prefork, babysit } = this.#entry;
    if (processes === "auto") return this.#host.processors;
    return processes ?? Math.max(prefork, babysit ? 1 : 0);
  }

  /** Whether each worker has its own sockets. */
  #spreads(): boolean {
    return this.#workerCount() > 1 && "port" in this.#address;
  }

  /** Sockets that may be shared would also be shared with another master's: fails when anything else listens there. */
  async #probe(): Promise<void> {
    if ("path" in this.#address) return;
    const options = { protocol: this.#entry.protocol, backlog: 1, reusePort: false };
    for (const listener of await openListeners(this.#address, options)) listener.close();
  }

  #openSockets(port: number | undefined): Promise<Listener[]> {
    const address = "port" in this.#address && port !== undefined ? { ...this.#address, port } : this.#address;
    // Always open to sharing, so that a reload can add workers.
    return openListeners(address, { protocol: this.#entry.protocol, backlog: this.#host.backlog, reusePort: true });
  }

  #makeWorker(index: number): Worker {
    const log = this.#host.log.with({ service: this.#entry.name, worker: index });
    const worker: Worker = {
      listeners: undefined,
      keeper: new Keeper({
        clock: this.#host.clock,
        log,
        mostStartsPerSecond: this.#entry.maxforkrate,
        plan: () => this.#plan(worker, index),
        restarts: () => this.#workerCount() > 0,
        delayed: () => this.#closeOwn(worker), // new connections go to the other workers meanwhile
        idle: () => {
          if (this.#workers.includes(worker)) this.#watch();
        },
      }),
    };
    return worker;
  }

  async #plan(worker: Worker, index: number): Promise<ChildPlan> {
    if (this.#spreads() && index > 0) worker.listeners ??= await this.#openSockets(this.#shared[0]?.port);
    const { name, maxchild, maxfds } = this.#entry;
    const environment = childEnvironment(this.#host);
    environment.CYRUS_SERVICE = name;
    environment.CYRUS_ID = String(index);
    if (maxchild >= 0) environment.IATLAS_MAXCHILD = String(Math.ceil(maxchild / Math.max(1, this.#workerCount())));
    return {
      argv: commandLine(this.#entry.command, this.#host.programs),
      environment,
      listenDescriptors: (worker.listeners ?? this.#shared).map((listener) => listener.fd),
      maxOpenFiles: maxfds,
    };
  }

  #closeOwn(worker: Worker): void {
    for (const listener of worker.listeners ?? []) listener.close();
    worker.listeners = undefined;
  }

  /** Starts the worker at the first connection. The kernel tells by a signal: nothing polls, nothing is accepted here. */
  #watch(): void {
    this.#unwatch();
    const endSignal = this.#host.onInput(() => this.#startIfAwaited());
    for (const { fd } of this.#shared) signalInput(fd, this.#host.pid);
    this.#stopWatching = () => {
      endSignal();
      for (const { fd } of this.#shared) signalInput(fd, undefined);
    };
    this.#startIfAwaited(); // for a connection that came before the signal was asked for
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  #startIfAwaited(): void {
    if (!this.#stopWatching || !this.#shared.some(({ fd }) => isReadable(fd))) return;
    this.#unwatch();
    for (const { keeper } of this.#workers) void keeper.start(); // start() does not reject: it logs and tries again
  }
}
