// The connections of one client session to other servers: opened at first need, authenticated as its user, kept until
// the session ends or the server goes away.

import type { Timer } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { ImapClient } from "../imap/client.ts";
import { type LoginPlan, LoginRefused, logIn } from "../imap/client-login.ts";
import type { ClientOrigin, Links, Remote } from "../mailbox/place.ts";
import type { Connection } from "../net/connection.ts";
import type { Health } from "./health.ts";

export interface LinkOptions {
  /** Opens a connection to the IMAP service of a server for this client, within its deadline. */
  connect(server: string, client: ClientOrigin): Promise<Connection>;
  /** How to log in there for this client. */
  planFor(server: string, client: ClientOrigin): LoginPlan;
  /** Longest silence of a server that owes an answer. */
  readonly responseTimeoutMs: number;
  /** The same until the login is done, if it is another. */
  readonly loginTimeoutMs?: number;
  readonly health: Health;
  /** Hears what each server says it can do. */
  learned?(server: string, capabilities: ReadonlySet<string>): void;
  readonly log: Log;
}

interface Link {
  readonly opening: Promise<ImapClient>;
  /** Once it is there. */
  remote: ImapClient | undefined;
}

export class BackendLinks implements Links {
  readonly #options: LinkOptions;
  readonly #client: ClientOrigin;
  readonly #links = new Map<string, Link>();
  readonly #apart = new Set<ImapClient>();
  #isClosed = false;

  constructor(options: LinkOptions, client: ClientOrigin) {
    this.#options = options;
    this.#client = client;
  }

  to(server: string): Promise<Remote> {
    if (this.#isClosed) return Promise.reject(unavailable());
    const known = this.#links.get(server);
    if (known) return known.opening;
    return this.#keep(server, { opening: this.#open(server), remote: undefined });
  }

  #keepApart(remote: ImapClient): ImapClient {
    this.#apart.add(remote);
    remote.onLost(() => this.#apart.delete(remote));
    return remote;
  }

  #keep(server: string, link: Link): Promise<ImapClient> {
    this.#links.set(server, link);
    const forget = () => this.#forget(server, link);
    link.opening.then((remote) => {
      link.remote = remote;
      remote.onLost(forget);
    }, forget);
    return link.opening;
  }

  opened(server: string): Remote | undefined {
    return this.#links.get(server)?.remote;
  }

  async apart(server: string): Promise<ImapClient> {
    if (this.#isClosed) throw unavailable();
    return this.#keepApart(await this.#open(server));
  }

  adopt(remote: Remote): void {
    const { server } = remote;
    for (const apart of this.#apart) {
      if (apart !== remote) continue;
      this.#apart.delete(apart);
      const before = this.#links.get(server)?.remote;
      if (before) this.#keepApart(before); // its commands may still be under way
      this.#keep(server, { opening: Promise.resolve(apart), remote: apart });
    }
  }

  turn(server: string, start: (done: () => void) => void): Timer {
    return this.#options.health.turn(server, start);
  }

  closeAll(): void {
    this.#isClosed = true;
    for (const { opening } of this.#links.values()) {
      opening.then(
        (remote) => remote.close(),
        () => {},
      );
    }
    this.#links.clear();
    for (const remote of this.#apart) remote.close();
  }

  #forget(server: string, link: Link): void {
    if (this.#links.get(server) === link) this.#links.delete(server);
  }

  async #open(server: string): Promise<ImapClient> {
    const { connect, planFor, responseTimeoutMs, loginTimeoutMs, health, log } = this.#options;
    const { sessionId, identity, hopsLeft } = this.#client;
    if (hopsLeft <= 0) {
      log.error("relay loop", { server, session: sessionId, user: identity.user });
      throw unavailable();
    }
    if (!health.isWorthTrying(server)) throw unavailable();
    let connection: Connection | undefined;
    try {
      connection = await connect(server, this.#client);
      const remote = new ImapClient(server, connection, loginTimeoutMs ?? responseTimeoutMs);
      await logIn(remote, planFor(server, this.#client));
      remote.responseTimeoutMs = responseTimeoutMs;
      if (this.#isClosed) remote.close();
      health.succeeded(server);
      this.#options.learned?.(server, remote.capabilities);
      log.debug("backend session", { server, session: sessionId, user: identity.user });
      return remote;
    } catch (fault) {
      connection?.destroy();
      if (fault instanceof LoginRefused) health.succeeded(server);
      else health.failed(server);
      const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault;
      log.warning("backend unavailable", { server, session: sessionId, reason: describeFault(cause) });
      throw unavailable();
    }
  }
}

/** The client learns neither the server nor the cause: the log has both. */
function unavailable(): No {
  return new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
}
