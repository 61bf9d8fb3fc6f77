// The replica of a frontend (seed 3.10): keeps the local mailbox list equal to the master's. One connection, one UPDATE: first
// the whole list, merged through maps, then every change as it comes, applied in groups. While the master is away the
// list stays as it was and is served on. Entries without a server are this machine's own mailboxes and never touched.

import { type Clock, sleep, type Timer } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { ListEdit, MailboxEntry, MailboxList } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { MupdateClient, UpdateReceiver } from "../mupdate/client.ts";
import { entryOf, type MailboxRecord, serverOf } from "../mupdate/record.ts";
import { inNameOrder, nextTurn } from "./name-order.ts";

export interface ReplicaOptions {
  readonly list: MailboxList;
  /** Masters, tried in order. */
  readonly servers: readonly string[];
  /** Opens an authenticated connection; calls `lost` once when it is over. */
  readonly connect: (server: string, lost: (reason: string) => void) => Promise<MupdateClient>;
  /** Our own name in locations: what the master says of it is not news to us. */
  readonly ownServer: string;
  /** `mupdate_retry_delay`: between signs of life, and between attempts to connect. */
  readonly retryDelayMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1; Math.random outside of tests. */
  readonly random: () => number;
}

export type ReplicaState = "connecting" | "loading" | "following" | "stopped";

/** Edits in one transaction: two or three milliseconds. A merge of a million entries must not hold the loop. */
const editsPerChange = 500;
const comparedBetweenTurns = 1024;
const firstRetryMs = 100;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #stop = new AbortController();
  #state: ReplicaState = "connecting";
  #client: MupdateClient | undefined;
  #settling: Promise<boolean> | undefined;
  #nextSettling: Promise<boolean> | undefined;
  /** Streamed and not yet applied, latest state per name. */
  #changes = new Map<MailboxName, MailboxRecord | undefined>();
  #applying: Promise<void> | undefined;
  #lastHeardMs = 0;
  #stateWaiters: (() => void)[] = [];

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Follows the master until `stop`. Resolves when stopped. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      for (const server of this.#options.servers) {
        if (this.#stop.signal.aborted) break;
        if (await this.#follow(server)) failures = 0;
      }
      failures += 1;
      await sleep(this.#options.clock, this.#retryDelay(failures), this.#stop.signal).catch(() => {});
    }
  }

  stop(): void {
    this.#stop.abort(new Error("The replica was stopped"));
    this.#client?.logout();
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
    const client = this.#client;
    if (!client || this.#state !== "following") return false;
    try {
      await client.noop();
      await this.#applied();
      return this.#client === client;
    } catch {
      return false;
    }
  }

  /** One connection from beginning to end. Resolves to whether the list was loaded. */
  async #follow(server: string): Promise<boolean> {
    const { log, clock } = this.#options;
    const lost = Promise.withResolvers<string>();
    let isLoaded = false;
    this.#enter("connecting");
    try {
      const client = await this.#options.connect(server, (reason) => lost.resolve(reason));
      this.#client = client;
      if (this.#stop.signal.aborted) return false;
      const startedMs = clock.monotonic();
      await this.#load(client);
      isLoaded = true;
      log.notice("mailbox list loaded", {
        server,
        entries: this.#options.list.size,
        ms: Math.round(clock.monotonic() - startedMs),
      });
      const heartbeat = this.#beat(client);
      this.#enter("following");
      if (this.#changes.size > 0) this.#apply();
      log.warning("mupdate master lost", { server, reason: await lost.promise });
      heartbeat();
    } catch (fault) {
      if (!this.#stop.signal.aborted)
        log.warning("mupdate master unavailable", { server, reason: describeFault(fault) });
    }
    this.#client?.logout();
    this.#client = undefined;
    await this.#applying;
    this.#changes.clear(); // the full list that comes next knows better
    if (!this.#stop.signal.aborted) this.#enter("connecting");
    return isLoaded;
  }

  async #load(client: MupdateClient): Promise<void> {
    this.#enter("loading");
    const remote = new Map<MailboxName, MailboxRecord>();
    let isComplete = false;
    const receiver: UpdateReceiver = {
      record: (record) => {
        this.#lastHeardMs = this.#options.clock.monotonic();
        if (isComplete) this.#change(record.name, record);
        else remote.set(record.name, record);
      },
      deletion: (name) => {
        this.#lastHeardMs = this.#options.clock.monotonic();
        if (isComplete) this.#change(name, undefined);
        else remote.delete(name);
      },
    };
    const loaded = client.update(receiver).then(() => {
      isComplete = true;
    });
    await loaded;
    await this.#merge(remote);
    await this.#options.list.setComplete(true);
  }

  /** Makes the list equal to `remote`. Nothing here holds the loop for long, however long the list is. */
  async #merge(remote: Map<MailboxName, MailboxRecord>): Promise<void> {
    const differences = await this.#compare(remote);
    for (const record of remote.values()) {
      if (!this.#isOurs(record)) differences.push({ name: record.name, record });
    }
    const ordered = await inNameOrder(differences);
    // A group is on its way to the disk while the next one is written.
    let before: Promise<unknown> = Promise.resolve();
    for (let at = 0; at < ordered.length; at += editsPerChange) {
      const change = this.#options.list.change(ordered.slice(at, at + editsPerChange).map(editOf));
      change.catch(() => {}); // heard of below, unless the one before has failed
      await Promise.all([before, nextTurn()]);
      before = change;
      if (!this.#client?.isOpen) throw new Error("the connection was lost while the list was being merged");
    }
    await before;
  }

  /** What has to change of the entries that are here; takes their names out of `remote`. */
  async #compare(remote: Map<MailboxName, MailboxRecord>): Promise<Difference[]> {
    const { list, log } = this.#options;
    const differences: Difference[] = [];
    let compared = 0;
    for (const entry of list.entries()) {
      const { name } = entry;
      const record = remote.get(name);
      remote.delete(name);
      if (isOwn(entry)) {
        if (record && !this.#isOurs(record)) log.warning("mailbox in two places", conflictFields(record));
      } else if (!record || this.#isOurs(record)) {
        differences.push({ name, record: undefined });
      } else if (!isUpToDate(entry, record)) {
        differences.push({ name, record });
      }
      if (++compared % comparedBetweenTurns === 0) await nextTurn();
    }
    return differences;
  }

  #change(name: MailboxName, record: MailboxRecord | undefined): void {
    const known = this.#options.list.find(name);
    if (known && isOwn(known)) {
      if (record && !this.#isOurs(record)) this.#options.log.warning("mailbox in two places", conflictFields(record));
      return;
    }
    const isKept = record && !this.#isOurs(record);
    this.#changes.set(name, isKept ? record : undefined);
    if (!this.#applying && this.#state === "following") this.#apply();
  }

  /** Applies what has been streamed: everything that came in one turn of the loop, or during the last write, together. */
  #apply(): void {
    this.#applying ??= this.#applyAll()
      .catch((fault: unknown) => {
        this.#options.log.error("mailbox list not writable", { reason: describeFault(fault) });
        this.#client?.logout(); // what was lost is fetched again with the full list
      })
      .finally(() => {
        this.#applying = undefined;
        if (this.#changes.size > 0 && this.#client?.isOpen) this.#apply();
      });
  }

  async #applyAll(): Promise<void> {
    await nextTurn();
    while (this.#changes.size > 0) {
      const edits: ListEdit[] = [];
      for (const [name, record] of this.#changes) {
        if (edits.length >= editsPerChange) break;
        this.#changes.delete(name);
        edits.push(editOf({ name, record }));
      }
      await this.#options.list.change(edits);
    }
  }

  async #applied(): Promise<void> {
    while (this.#applying) await this.#applying;
  }

  /** Sends NOOP into silence: a master that does not answer it is given up. Returns the way to stop. */
  #beat(client: MupdateClient): () => void {
    const { clock, retryDelayMs } = this.#options;
    let timer: Timer;
    const next = () => {
      timer = clock.after(retryDelayMs, () => {
        const isQuiet = clock.monotonic() - this.#lastHeardMs >= retryDelayMs;
        // An unanswered NOOP ends the connection by the client's own deadline.
        if (isQuiet) client.noop().then(next, () => {});
        else next();
      });
    };
    next();
    return () => timer.cancel();
  }

  #retryDelay(failures: number): number {
    const base = Math.min(this.#options.retryDelayMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
    return base * (1 + this.#options.random() * 0.5);
  }

  #isOurs(record: MailboxRecord): boolean {
    return serverOf(record.location) === this.#options.ownServer;
  }

  #enter(state: ReplicaState): void {
    this.#state = state;
    for (const tell of this.#stateWaiters.splice(0)) tell();
  }
}

interface Difference {
  readonly name: MailboxName;
  /** Undefined: the name goes. */
  readonly record: MailboxRecord | undefined;
}

function editOf({ name, record }: Difference): ListEdit {
  return record ? { put: entryOf(record) } : { remove: name };
}

function isOwn(entry: MailboxEntry): boolean {
  return entry.server === "";
}

function isUpToDate(entry: MailboxEntry, record: MailboxRecord): boolean {
  return (
    `${entry.server}!${entry.partition}` === record.location &&
    entry.state === record.state &&
    (entry.acl === record.acl || record.state === "reserved")
  );
}

function conflictFields(record: MailboxRecord): { readonly mailbox: string; readonly master: string } {
  return { mailbox: record.name, master: record.location };
}
