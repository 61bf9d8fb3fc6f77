// What the other servers of a murder can do, for the capability line of a frontend: it may promise only what each of them
// keeps, for a client does not know which one he will come to. The servers are those of the mailbox list. What they can do
// is heard whenever a session's connection logs in; who has not been talked to yet is asked once, in the background.
//
// A server that has never answered takes nothing away from the others: its mailboxes are out of reach, so no promise about
// them is broken now, and to withhold QRESYNC from everybody because one server is down when a frontend starts would have
// all clients fetch their mailboxes anew. What it lacks is known with its first answer, before any command reaches it.

import type { Clock, Timer } from "../base/clock.ts";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { TimeSlice } from "../base/time-slice.ts";
import type { OtherServers } from "../imap/other-servers.ts";
import type { MailboxEntry, MailboxList } from "../mailbox/list.ts";

export interface ServerCapabilitiesOptions {
  readonly list: Pick<MailboxList, "sequence" | "entries" | "namesChangedSince" | "find">;
  /** As in locations: its mailboxes are none of another server. */
  readonly ownServer: string;
  /** Logs in there on nobody's behalf and gives what it says it can do, in upper case. */
  ask(server: string): Promise<ReadonlySet<string>>;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1. */
  readonly random?: () => number;
}

/** A login waits so long for servers that have not been asked before, once for all logins. */
const longestWaitMs = 1_000;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
/** Logins look at the list for new servers so often: less often than they come. */
const lookMs = 500;
/** The whole list is gone through again, when it has changed, to find servers that are no longer in it. */
const rescanMs = 3_600_000;

export class ServerCapabilities implements OtherServers {
  readonly #options: ServerCapabilitiesOptions;
  /** Undefined: not known yet. */
  readonly #servers = new Map<string, ReadonlySet<string> | undefined>();
  readonly #asking = new Set<string>();
  readonly #retries = new Map<string, Timer>();
  /** Answers of `allHave` by the first of the names. */
  readonly #answers = new Map<string, boolean>();
  /** What is not announced, and for whose sake, as it was logged. */
  readonly #told = new Map<string, string>();
  /** How far the list was looked at; undefined: all of it must be. */
  #seen: number | undefined;
  #isLooking = false;
  #nextLookMs = 0;
  #scannedMs = 0;
  #wait: { readonly settled: Promise<void>; readonly end: () => void; readonly timer: Timer } | undefined;
  #isStopped = false;

  constructor(options: ServerCapabilitiesOptions) {
    this.#options = options;
    this.#look();
  }

  /** A connection has logged in there. Costs nothing when it says what it said before. */
  learned(server: string, capabilities: ReadonlySet<string>): void {
    const before = this.#servers.get(server);
    if (before === capabilities || this.#isStopped) return;
    this.#servers.set(server, capabilities);
    this.#answers.clear();
    this.#retries.get(server)?.cancel();
    this.#retries.delete(server);
  }

  allHave(oneOf: readonly string[]): boolean {
    const key = oneOf[0] ?? "";
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const lacking = [...this.#servers].find(([, names]) => names && !oneOf.some((name) => names.has(name)))?.[0];
    if (lacking !== this.#told.get(key)) this.#tell(key, lacking);
    this.#answers.set(key, lacking === undefined);
    return lacking === undefined;
  }

  #tell(capability: string, lacking: string | undefined): void {
    if (lacking === undefined) this.#told.delete(capability);
    else this.#told.set(capability, lacking);
    this.#options.log.notice(lacking === undefined ? "announced again" : "not announced", { capability, lacking });
  }

  settled(): Promise<void> | undefined {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs >= this.#nextLookMs && !this.#isStopped) {
      this.#nextLookMs = nowMs + lookMs;
      if (this.#options.list.sequence !== this.#seen) this.#look();
    }
    return this.#wait?.settled;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
    this.#endWait();
  }

  // ---- the servers of the list

  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#beginWait();
    this.#lookNow()
      .catch((fault: unknown) => {
        this.#seen = undefined; // the feed was cut short
        this.#options.log.debug("mailbox list read again", { reason: describeFault(fault) });
      })
      .finally(() => {
        this.#isLooking = false;
        this.#endWaitWhenKnown();
      });
  }

  async #lookNow(): Promise<void> {
    const { list, clock } = this.#options;
    const { sequence } = list;
    const isRescan = this.#seen === undefined || clock.monotonic() - this.#scannedMs >= rescanMs;
    const found = await this.#serversOf(isRescan ? list.entries() : this.#changedSince(this.#seen ?? 0));
    this.#seen = sequence;
    if (isRescan) {
      this.#scannedMs = clock.monotonic();
      for (const server of this.#servers.keys()) if (!found.has(server)) this.#forget(server);
    }
    for (const server of found) if (!this.#servers.has(server)) this.#met(server);
  }

  *#changedSince(sequence: number): Generator<MailboxEntry> {
    const { list } = this.#options;
    for (const name of list.namesChangedSince(sequence)) {
      const entry = list.find(name);
      if (entry) yield entry;
    }
  }

  async #serversOf(entries: Iterable<MailboxEntry>): Promise<Set<string>> {
    const servers = new Set<string>();
    const slice = new TimeSlice(this.#options.clock);
    for (const { server, state } of entries) {
      if (this.#isStopped) break; // the list is closed
      if (server !== "" && server !== this.#options.ownServer && state === "active") servers.add(server);
      if (slice.isOver) await slice.next();
    }
    return servers;
  }

  #forget(server: string): void {
    this.#servers.delete(server);
    this.#answers.clear();
    this.#retries.get(server)?.cancel();
    this.#retries.delete(server);
  }

  // ---- asking

  #met(server: string): void {
    this.#servers.set(server, undefined);
    this.#beginWait();
    this.#ask(server, firstPauseMs);
  }

  #ask(server: string, pauseMs: number): void {
    const { ask, log } = this.#options;
    if (this.#isStopped || this.#asking.has(server) || this.#servers.get(server)) return;
    this.#asking.add(server);
    ask(server)
      .then(
        (capabilities) => this.learned(server, capabilities),
        (fault: unknown) => {
          log.debug("capabilities unknown", { server, reason: describeFault(fault) });
          this.#askLater(server, pauseMs);
        },
      )
      .finally(() => {
        this.#asking.delete(server);
        this.#endWaitWhenKnown();
      });
  }

  #askLater(server: string, pauseMs: number): void {
    if (this.#isStopped || !this.#servers.has(server) || this.#servers.get(server)) return;
    const { clock, random = Math.random } = this.#options;
    // Never all frontends at once, when a server comes back.
    const timer = clock.after(pauseMs * (1 + random() * 0.5), () => {
      this.#retries.delete(server);
      this.#ask(server, Math.min(pauseMs * 2, longestPauseMs));
    });
    this.#retries.set(server, timer);
  }

  #beginWait(): void {
    if (this.#wait) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(longestWaitMs, () => this.#endWait());
    this.#wait = { settled: promise, end: resolve, timer };
  }

  #endWaitWhenKnown(): void {
    if (!this.#isLooking && this.#asking.size === 0) this.#endWait();
  }

  #endWait(): void {
    this.#wait?.timer.cancel();
    this.#wait?.end();
    this.#wait = undefined;
  }
}
