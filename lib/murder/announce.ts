// How a backend asks and tells the MUPDATE master (seed 2.1, 3.7): the Registrar of a murder. One connection a process, opened
// when it is needed and again after it was lost, shared by all sessions, commands pipelined.
//
// A command whose connection is lost may have been carried out or not. Every one of them says how things shall be, from
// the same server, so it is sent once more over a new connection.

import { actForNobody, actingSession } from "../base/acting-session.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { describeFault, isTemporary, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { Registrar } from "../mailbox/registrar.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { serverOf } from "../mupdate/record.ts";

export interface AnnounceOptions {
  /** Opens an authenticated connection to the first master that answers; calls `lost` once when it is over. */
  readonly connect: (lost: (reason: string) => void) => Promise<MupdateClient>;
  readonly log: Log;
  /** Keeps the connection up, and is told when the master is back after it was away: the time to reconcile. */
  readonly whenBack?: {
    readonly run: (master: MupdateClient) => Promise<void>;
    /** Longest pause between attempts to connect: they begin soon after a loss and become rarer. */
    readonly retryDelayMs: number;
    readonly clock: Clock;
    /** 0 ≤ n < 1; Math.random outside of tests. */
    readonly random: () => number;
  };
}

export interface MupdateRegistrar extends Registrar {
  /**
   * Connects now, in the background, and reconciles at once or when the master is there: this server may have been started
   * without it, and what changed on either side meanwhile nobody knows.
   */
  start(): void;
  /** Ends the connection. */
  close(): void;
}

export function mupdateRegistrar(options: AnnounceOptions): MupdateRegistrar {
  const link = new MasterLink(options);
  return {
    isShared: true,
    reserve: (name, location) =>
      link.ask(`Cannot reserve "${name}"`, async (master) => {
        try {
          await master.reserve(name, location);
        } catch (fault) {
          throw (await isTakenElsewhere(master, name, location, fault)) ? alreadyExists(name) : fault;
        }
      }),
    activate: (name, location, acl) =>
      link.ask(`Cannot announce "${name}"`, (master) => master.activate(name, location, acl)),
    deactivate: (name, location) =>
      link.ask(`Cannot withdraw "${name}"`, async (master) => {
        const known = await master.find(name);
        // Reserved already: a first attempt was carried out, though we never heard.
        if (known?.state === "active" && serverOf(known.location) === serverOf(location)) {
          await master.deactivate(name, location);
        }
      }),
    remove: (name) =>
      link.ask(`Cannot remove "${name}"`, async (master) => {
        await master.remove(name);
      }),
    find: (name) =>
      link.ask(`Cannot look up "${name}"`, async (master) => {
        const record = await master.find(name);
        return record && { ...record, acl: record.state === "active" ? record.acl : undefined };
      }),
    start: () => link.start(),
    close: () => link.close(),
  };
}

function alreadyExists(name: MailboxName): No {
  return new No("ALREADYEXISTS", `Mailbox "${name}" already exists on another server`);
}

/** MUPDATE refuses without saying why: whether somebody else has the name is asked for. */
async function isTakenElsewhere(
  master: MupdateClient,
  name: MailboxName,
  location: string,
  fault: unknown,
): Promise<boolean> {
  if (!(fault instanceof No) || isTemporary(fault)) return false;
  const known = await master.find(name);
  return known !== undefined && known.location !== location;
}

const firstRetryMs = 100;

class MasterLink {
  readonly #options: AnnounceOptions;
  #client: Promise<MupdateClient> | undefined;
  #wasAway = false;
  /** Nothing was missed since the last time. */
  #isReconciled = true;
  #isClosed = false;
  #retry: Timer | undefined;
  #failures = 0;

  constructor(options: AnnounceOptions) {
    this.#options = options;
  }

  /** Runs `work` with the master; what fails comes out as No, UNAVAILABLE unless the master had a reason of its own. */
  async ask<T>(failure: string, work: (master: MupdateClient) => Promise<T>): Promise<T> {
    try {
      const { client, isReused } = await this.#open();
      try {
        return await work(client);
      } catch (fault) {
        // Who has waited for a frozen master has waited long enough.
        if (!isReused || client.isOpen || client.isOverdue) throw fault;
        return await work((await this.#open()).client);
      }
    } catch (fault) {
      if (fault instanceof No && fault.code !== undefined && !isTemporary(fault)) throw fault;
      this.#tell(fault);
      throw new No("UNAVAILABLE", `${failure}: ${describeFault(fault)}`, { cause: fault });
    }
  }

  /** What nobody waits for is tried again and again: that the master is away has been said by then. */
  #tell(fault: unknown): void {
    const { log } = this.#options;
    const session = actingSession();
    const isKnown = session === undefined && this.#wasAway && isTemporary(fault);
    if (!isKnown) log.warning("mupdate master refused or away", { reason: describeFault(fault), session });
  }

  start(): void {
    this.#isReconciled = false;
    this.#open().catch(() => {}); // #lost has asked for the next attempt
  }

  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
    const client = this.#client;
    this.#client = undefined;
    client?.then(
      (open) => open.logout(),
      () => {},
    );
  }

  /** The connection there is, or a new one; all who ask meanwhile share one attempt. */
  async #open(): Promise<{ readonly client: MupdateClient; readonly isReused: boolean }> {
    const known = this.#client;
    if (known) {
      const client = await known;
      if (client.isOpen) return { client, isReused: true };
      if (this.#client === known) this.#client = undefined;
      return this.#open();
    }
    // The connection serves all, and what is reconciled over it is nobody's.
    const attempt = actForNobody(() => this.#options.connect((reason) => this.#lost(reason)));
    this.#client = attempt;
    try {
      const client = await attempt;
      actForNobody(() => this.#reconcileIfBack(client));
      return { client, isReused: false };
    } catch (fault) {
      if (this.#client === attempt) this.#client = undefined;
      actForNobody(() => this.#lost(describeFault(fault)));
      throw fault;
    }
  }

  #lost(reason: string): void {
    if (this.#isClosed) return;
    if (!this.#wasAway) this.#options.log.notice("mupdate master away", { reason });
    this.#wasAway = true;
    this.#isReconciled = false;
    const { whenBack } = this.#options;
    if (!whenBack) return;
    this.#retry?.cancel();
    const pauseMs = Math.min(whenBack.retryDelayMs, firstRetryMs * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    // Not all workers of all servers in the same moment.
    this.#retry = whenBack.clock.after(pauseMs * (1 + whenBack.random() / 2), () => {
      this.#open().catch(() => {}); // #lost has asked for the next attempt
    });
  }

  #reconcileIfBack(client: MupdateClient): void {
    this.#retry?.cancel();
    if (this.#wasAway) this.#options.log.notice("mupdate master back", { master: client.banner.hostName });
    this.#wasAway = false;
    this.#failures = 0;
    if (this.#isReconciled) return;
    this.#isReconciled = true;
    this.#options.whenBack?.run(client).catch((fault: unknown) => {
      this.#options.log.error("not reconciled with the mupdate master", { reason: describeFault(fault) });
    });
  }
}
