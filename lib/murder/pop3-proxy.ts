// Maildrops of a murder (S154, S155): the user has proved himself here; his INBOX's server is looked up, logged in to in
// his name, and then hears and answers everything itself.

import type { Clock } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { formatXclient } from "../mailbox/origin.ts";
import type { ClientOrigin, Router } from "../mailbox/place.ts";
import type { Connection } from "../net/connection.ts";
import { LineConversation } from "../net/line-conversation.ts";
import { type LoginPlan, logIn } from "../pop3/client-login.ts";
import type { Maildrops, OpenedMaildrop, RemoteMaildrop } from "../pop3/server.ts";
import type { UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { Health } from "./health.ts";
import { pipe } from "./pipe.ts";

/** Who knows the users' home servers, and their names there: the mailbox list, or the maps of a multiplexer. */
export interface Homes extends Pick<Router, "settle"> {
  home(user: string): Promise<"here" | { readonly server: string; readonly user?: string | undefined }>;
}

export interface MurderMaildropsParts {
  readonly router: Homes;
  /** What a server that keeps mailboxes does for its own users; undefined on a frontend. */
  readonly local: Maildrops | undefined;
  /** Opens a connection to the POP3 service of a server for this client, within its deadline. */
  connect(server: string, client: ClientOrigin): Promise<Connection>;
  /** How to log in there; `user` with "+folder" where the client asked for one. */
  planFor(server: string, user: string, client: ClientOrigin, proof?: UncheckedProof): LoginPlan;
  /** For each line of the login. */
  readonly deadlineMs: number;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Log;
}

export class MurderMaildrops implements Maildrops {
  readonly #parts: MurderMaildropsParts;

  constructor(parts: MurderMaildropsParts) {
    this.#parts = parts;
  }

  async open(client: ClientOrigin, folder: string | undefined, proof?: UncheckedProof): Promise<OpenedMaildrop> {
    const { router, local } = this.#parts;
    const home = await router.home(client.identity.user);
    if (home !== "here") {
      const user = withFolder(home.user ?? client.identity.user, folder);
      return await this.#openElsewhere({ server: home.server, user, client, proof });
    }
    if (!local) throw new No("UNAVAILABLE", "Mailbox is not available now");
    return await local.open(client, folder);
  }

  /** A server that refuses for good may have lost the mailbox to another one a moment ago: that is not the client's trouble. */
  async #openElsewhere(visit: Visit): Promise<OpenedMaildrop> {
    const { router } = this.#parts;
    try {
      return await this.#openAt(visit);
    } catch (fault) {
      if (!(fault instanceof No) || fault.code !== "NOPERM") throw fault;
      await router.settle();
      const home = await router.home(visit.client.identity.user);
      if (home !== "here" && home.server === visit.server) throw fault;
      throw new No("UNAVAILABLE", "Mailbox has been moved to another server");
    }
  }

  async #openAt({ server, user, client, proof }: Visit): Promise<RemoteMaildrop> {
    const { connect, planFor, deadlineMs, health, clock, log } = this.#parts;
    if (client.hopsLeft <= 0) {
      log.error("relay loop", { server, session: client.sessionId, user });
      throw new No("UNAVAILABLE", "Server unavailable, try again later");
    }
    const plan = { ...planFor(server, user, client, proof), xclient: formatXclient(client) };
    // That nobody tried is no failure: it must not make the next one wait longer.
    if (!health.isWorthTrying(server)) throw new No("UNAVAILABLE", "Server unavailable, try again later");
    let connection: Connection | undefined;
    try {
      connection = await connect(server, client);
      const lines = new LineConversation(connection, clock);
      const answer = await logIn(lines, plan, deadlineMs);
      health.succeeded(server);
      if (!answer.isOk) throw refusal(answer.text, proof !== undefined);
      return new PipedMaildrop(server, answer.text, lines);
    } catch (fault) {
      connection?.destroy();
      if (fault instanceof Refused) throw fault.reason;
      health.failed(server);
      const reason = describeFault(fault);
      log.warning("backend unavailable", { server, service: "pop3", session: client.sessionId, user, reason });
      throw new No("UNAVAILABLE", "Server unavailable, try again later");
    }
  }
}

/** A user, named as the server knows him, on his way to it. */
interface Visit {
  readonly server: string;
  readonly user: string;
  readonly client: ClientOrigin;
  readonly proof: UncheckedProof | undefined;
}

class PipedMaildrop implements RemoteMaildrop {
  readonly kind = "elsewhere";
  readonly #lines: LineConversation;

  constructor(
    readonly server: string,
    readonly text: string,
    lines: LineConversation,
  ) {
    this.#lines = lines;
  }

  take(client: Connection, unread: Uint8Array): Promise<void> {
    const { connection } = this.#lines;
    const said = this.#lines.takeRest();
    if (said.length > 0) client.write(said);
    if (unread.length > 0) connection.write(unread);
    return pipe(client, connection);
  }

  discard(): void {
    this.#lines.connection.destroy();
  }
}

/** The server is well and says no: what it says goes to the client. */
class Refused extends Error {
  constructor(readonly reason: No) {
    super(reason.message);
  }
}

/** Codes of RFC 2449 and 3206 that tell the client something; a refusal of our own login is our trouble. */
const codesPassedOn: Readonly<Record<string, string>> = {
  "IN-USE": "INUSE",
  "SYS/PERM": "NOPERM",
  "SYS/TEMP": "UNAVAILABLE",
};

/** `isHisOwn`: the password was the user's. */
function refusal(text: string, isHisOwn: boolean): Error {
  const [, code = "", words = ""] = /^ ?\[([A-Z/-]+)\] ?(.*)$/.exec(text) ?? [];
  const known = codesPassedOn[code];
  if (known === undefined && isHisOwn) return new Refused(new No("AUTHENTICATIONFAILED", "Invalid login"));
  return known === undefined ? new No("UNAVAILABLE", `it refuses us:${text}`) : new Refused(new No(known, words));
}

function withFolder(user: string, folder: string | undefined): string {
  if (folder === undefined) return user;
  const at = user.lastIndexOf("@");
  return at < 0 ? `${user}+${folder}` : `${user.slice(0, at)}+${folder}${user.slice(at)}`;
}
