// The replica of a frontend (seed 3.10): keeps the local mailbox list equal to the master's. One connection, one stream: what
// was missed since the list's place in the master's feed where it has one (X-IATLAS), else the whole list; then every
// change as it comes (list-follower.ts). While the master is away the list stays as it was and is served on.

import type { Clock, Timer } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { FollowedPosition } from "../mailbox/feed.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import type { UpstreamStatus } from "../mupdate/extension.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { ListFollower } from "./list-follower.ts";
import { PlaceReport } from "./place-report.ts";
import { type ChosenMaster, ServerChoice } from "./server-choice.ts";

export interface ReplicaOptions {
  readonly list: MailboxList;
  /** Masters, the preferred one first. */
  readonly servers: readonly string[];
  /** Opens an authenticated connection; calls `lost` once when it is over. */
  readonly connect: (server: string, lost: (reason: string) => void) => Promise<MupdateClient>;
  /** Our own name in locations: what the master says of it is not news to us. */
  readonly ownServer: string;
  /** `mupdate_retry_delay`: between rounds of attempts to connect, at most. */
  readonly retryDelayMs: number;
  /** `mupdate_heartbeat`: the silence after which the master is asked for a sign of life. */
  readonly heartbeatMs: number;
  /** `mupdate_shrink_delay`: how long most of the list is kept though the master lacks it; 0: not at all. */
  readonly shrinkDelayMs?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1; Math.random outside of tests. */
  readonly random: () => number;
}

export type ReplicaState = UpstreamStatus["state"];

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #choice: ServerChoice;
  readonly #stop = new AbortController();
  #state: ReplicaState = "connecting";
  #sinceMs: number;
  #master: ChosenMaster | undefined;
  #follower: ListFollower | undefined;
  /** The last number of the master's feed that is on disk here. */
  #sequence: number | undefined;
  #settling: Promise<boolean> | undefined;
  #nextSettling: Promise<boolean> | undefined;
  #stateWaiters: (() => void)[] = [];

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.monotonic();
    this.#choice = new ServerChoice({ ...options, signal: this.#stop.signal });
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** How we follow, for STATUS. */
  get status(): UpstreamStatus {
    const { clock, list, servers } = this.#options;
    return {
      server: this.#master?.server ?? servers[0] ?? "",
      state: this.#state,
      feed: this.#master?.client.banner.feed,
      sequence: this.#sequence,
      sinceMs: Math.round(clock.monotonic() - this.#sinceMs),
      isComplete: list.isComplete,
    };
  }

  /** Follows the master until `stop`. Resolves when stopped. */
  async run(): Promise<void> {
    for (;;) {
      const master = await this.#choice.next();
      if (!master) break;
      await this.#follow(master);
    }
  }

  stop(): void {
    this.#stop.abort(new Error("The replica was stopped"));
    this.#master?.client.logout();
    this.#enter("stopped");
  }

  /** Resolves when the replica has reached that state. */
  async reached(state: ReplicaState): Promise<void> {
    while (this.#state !== state) {
      await new Promise<void>((resolve) => {
        this.#stateWaiters.push(resolve);
      });
    }
  }

  /**
   * The kick: resolves to true when everything the master accepted before the call is in the local list, at once to
   * false when that cannot be had. Calls that come while a NOOP is under way share the next one.
   */
  settle(): Promise<boolean> {
    if (this.#nextSettling) return this.#nextSettling;
    if (!this.#settling) {
      this.#settling = this.#settleNow().finally(() => {
        this.#settling = undefined;
      });
      return this.#settling;
    }
    this.#nextSettling = this.#settling.then(() => {
      this.#nextSettling = undefined;
      return this.settle();
    });
    return this.#nextSettling;
  }

  async #settleNow(): Promise<boolean> {
    const master = this.#master;
    if (!master || this.#state !== "following") return false;
    try {
      await master.client.noop();
      await this.#follower?.applied();
      return this.#master === master;
    } catch {
      return false;
    }
  }

  /** One connection from beginning to end. */
  async #follow(master: ChosenMaster): Promise<void> {
    const { log, clock, heartbeatMs } = this.#options;
    const { server, client } = master;
    this.#master = master;
    const report = this.#reportTo(client);
    let stopHeartbeat = () => {};
    let shrinking: Timer | undefined;
    try {
      await this.#load(master, report);
      shrinking = this.#scheduleShrinking();
      stopHeartbeat = startHeartbeat(client, clock, heartbeatMs);
      this.#enter("following");
      const reason = await this.#choice.leave(master);
      if (reason !== undefined && !this.#stop.signal.aborted) log.warning("mupdate master lost", { server, reason });
    } catch (fault) {
      if (!this.#stop.signal.aborted) log.warning("mupdate master failed", { server, reason: describeFault(fault) });
    }
    stopHeartbeat();
    shrinking?.cancel();
    report?.stop();
    client.logout();
    this.#master = undefined;
    await this.#follower?.abandon();
    this.#follower = undefined;
    if (!this.#stop.signal.aborted) this.#enter("connecting");
  }

  #scheduleShrinking(): Timer | undefined {
    const { clock, shrinkDelayMs = 0 } = this.#options;
    const follower = this.#follower;
    return follower?.withholds ? clock.after(shrinkDelayMs, () => follower.release()) : undefined;
  }

  async #load({ server, client }: ChosenMaster, report: PlaceReport | undefined): Promise<void> {
    const { clock, log, list } = this.#options;
    this.#enter("loading");
    const startedMs = clock.monotonic();
    const isResumed = (await this.#resume(client, report)) || (await this.#fetchAll(client, report));
    log.notice(isResumed ? "mailbox list resumed" : "mailbox list loaded", {
      server,
      entries: list.size,
      ms: Math.round(clock.monotonic() - startedMs),
    });
  }

  /** Fetches what was missed; false when that cannot be told. */
  async #resume(client: MupdateClient, report: PlaceReport | undefined): Promise<boolean> {
    const { list, ownServer } = this.#options;
    const { followed } = list;
    if (client.banner.feed === undefined || !list.isComplete || followed?.ownServer !== ownServer) return false;
    const follower = this.#newFollower(client, report, followed);
    if (!(await client.resume(follower, followed))) return false;
    await follower.complete();
    return true;
  }

  async #fetchAll(client: MupdateClient, report: PlaceReport | undefined): Promise<false> {
    const follower = this.#newFollower(client, report, undefined);
    if (client.banner.feed === undefined) await client.update(follower);
    else if (!(await client.resume(follower))) throw new No("UNAVAILABLE", "The MUPDATE server refuses its list");
    await follower.complete();
    return false;
  }

  #newFollower(
    client: MupdateClient,
    report: PlaceReport | undefined,
    position: FollowedPosition | undefined,
  ): ListFollower {
    const { list, ownServer, log, shrinkDelayMs = 0 } = this.#options;
    this.#follower = new ListFollower(
      {
        list,
        ownServer,
        feed: client.banner.feed,
        keepsWhatIsMissing: shrinkDelayMs > 0,
        log,
        isOpen: () => client.isOpen,
        failed: (fault) => {
          log.error("mailbox list not writable", { reason: describeFault(fault) });
          client.logout();
        },
        reached: (sequence) => {
          this.#sequence = sequence;
          report?.reached(sequence);
        },
      },
      position,
    );
    return this.#follower;
  }

  #reportTo(client: MupdateClient): PlaceReport | undefined {
    const { list, ownServer, clock } = this.#options;
    if (client.banner.feed === undefined) return undefined;
    return new PlaceReport({ client, ownServer, entries: () => list.size, clock });
  }

  #enter(state: ReplicaState): void {
    this.#state = state;
    this.#sinceMs = this.#options.clock.monotonic();
    for (const tell of this.#stateWaiters.splice(0)) tell();
  }
}
