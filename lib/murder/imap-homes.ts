// IMAP of a multiplexer (S196): logs in at the user's home server on his behalf, and joins him to it. From then on bytes
// pass both ways as they are; only when the server is lost does the client hear a word of ours.

import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { ImapClient } from "../imap/client.ts";
import { type LoginPlan, LoginRefused, logIn } from "../imap/client-login.ts";
import type { HomeServers, HomeSession } from "../imap/home-servers.ts";
import { statusLine } from "../imap/reply.ts";
import type { ClientOrigin } from "../mailbox/place.ts";
import type { Connection } from "../net/connection.ts";
import { type DeferringVerifier, deferringVerifier, type UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { Verifier } from "../sasl/mechanism.ts";
import { ReplyScanner } from "../wire/reply-scanner.ts";
import type { Health } from "./health.ts";
import { pipe } from "./pipe.ts";
import type { UserHomes } from "./user-homes.ts";

export interface ImapHomesParts {
  readonly homes: Pick<UserHomes, "home">;
  readonly verifier: Verifier;
  /** Whether only the user's home can check his password. */
  defers(name: string): Promise<boolean>;
  /** Opens a connection to the IMAP service of a server for this client, within its deadline. */
  connect(server: string, client: ClientOrigin): Promise<Connection>;
  /** How to log in there; `user` is his name there. Throws No("AUTHORIZATIONFAILED"). */
  planFor(server: string, user: string, client: ClientOrigin, proof: UncheckedProof | undefined): LoginPlan;
  /** Longest silence of a server during the login. */
  readonly responseTimeoutMs: number;
  readonly health: Health;
  readonly log: Log;
}

export class ImapHomes implements HomeServers {
  readonly #parts: ImapHomesParts;

  constructor(parts: ImapHomesParts) {
    this.#parts = parts;
  }

  newVerifier(): DeferringVerifier {
    return deferringVerifier(this.#parts.verifier, (name) => this.#parts.defers(name));
  }

  async open(client: ClientOrigin, proof: UncheckedProof | undefined): Promise<HomeSession> {
    const { homes, planFor, health, log } = this.#parts;
    const { sessionId: session, hopsLeft, identity } = client;
    const { server, user } = await homes.home(identity.user).catch(asLoginFault);
    const plan = planFor(server, user ?? identity.user, client, proof);
    if (hopsLeft <= 0) {
      log.error("relay loop", { server, session, user: identity.user });
      throw unavailable();
    }
    if (!health.isWorthTrying(server)) throw unavailable();
    try {
      const opened = await this.#logIn(server, plan, client);
      health.succeeded(server);
      return opened;
    } catch (fault) {
      const isWell = fault instanceof LoginRefused;
      if (isWell) health.succeeded(server);
      else health.failed(server);
      const refusal = isWell ? refusalOf(fault.answer, proof !== undefined) : unavailable();
      if (refusal.code === "UNAVAILABLE") {
        const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault;
        log.warning("backend unavailable", { server, session, user: identity.user, reason: describeFault(cause) });
      }
      throw refusal;
    }
  }

  async #logIn(server: string, plan: LoginPlan, client: ClientOrigin): Promise<HomeSession> {
    const connection = await this.#parts.connect(server, client);
    const remote = new ImapClient(server, connection, this.#parts.responseTimeoutMs);
    try {
      await logIn(remote, plan);
      await remote.settled(); // what it answers to our ID is not for the client
      if (!remote.isOpen) throw new Error(`lost connection to "${server}"`);
      return new PipedSession(remote);
    } catch (fault) {
      if (fault instanceof LoginRefused) remote.close();
      else connection.destroy();
      throw fault;
    }
  }
}

class PipedSession implements HomeSession {
  readonly #remote: ImapClient;

  constructor(remote: ImapClient) {
    this.#remote = remote;
  }

  get server(): string {
    return this.#remote.server;
  }

  get capabilities(): ReadonlySet<string> {
    return this.#remote.capabilities;
  }

  take(client: Connection, unread: Uint8Array): Promise<void> {
    const { connection } = this.#remote;
    const watch = lastWord(client);
    const said = this.#remote.release();
    if (said.length > 0) {
      watch.heard(said);
      client.write(said);
    }
    if (unread.length > 0) connection.write(unread);
    return pipe(client, connection, watch);
  }
}

/** Says BYE for a server that went without it, unless that would be taken for a part of a message. */
function lastWord(client: Connection) {
  let hasSaidBye = false;
  const scanner = new ReplyScanner({
    data() {},
    continuation() {},
    tagged() {},
    bye: () => {
      hasSaidBye = true;
    },
    passes: () => "on",
  });
  return {
    // Who goes without LOGOUT, from IDLE for instance, looks as if he only had nothing more to ask.
    lastWordsMs: 5_000,
    heard: (bytes: Uint8Array) => scanner.feed(bytes),
    lost: () => {
      if (hasSaidBye || !scanner.isBetweenResponses || !client.isOpen) return;
      client.write(statusLine("*", "BYE", "UNAVAILABLE", "Lost connection to the mail server"));
    },
  };
}

/** Codes of RFC 5530 that are about the user and not about how we log in. */
const codesPassedOn: ReadonlySet<string> = new Set(["ALERT", "CONTACTADMIN", "EXPIRED", "INUSE", "LIMIT"]);

/** What the client is told of a home server's NO; `isHisOwn`: the password was his. */
function refusalOf(answer: string, isHisOwn: boolean): No {
  const [, code = "", text = ""] = /^\[([A-Z-]+)\] ?(.*)$/i.exec(answer) ?? [];
  const name = code.toUpperCase();
  if (codesPassedOn.has(name)) return new No(name, text);
  if (!isHisOwn || name === "UNAVAILABLE") return unavailable();
  return new No("AUTHENTICATIONFAILED", "Login failed: authentication failure");
}

function asLoginFault(fault: unknown): never {
  if (!(fault instanceof No) || fault.code !== "NONEXISTENT") throw fault;
  throw new No("CONTACTADMIN", "No mail server is known for this user");
}

/** The client learns neither the server nor the cause: the log has both. */
function unavailable(): No {
  return new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
}
