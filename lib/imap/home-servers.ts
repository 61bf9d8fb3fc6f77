// What a multiplexer needs besides a session: each user's whole session is answered by one other server. Implemented in
// lib/murder.

import type { ClientOrigin } from "../mailbox/place.ts";
import type { Connection } from "../net/connection.ts";
import type { DeferringVerifier, UncheckedProof } from "../sasl/deferring-verifier.ts";

export interface HomeServers {
  /** For one session: leaves to home servers the passwords that only they can check. */
  newVerifier(): DeferringVerifier;
  /**
   * Logs in at the home of the client's user, with `proof` where his password was not checked here. Throws
   * No("AUTHENTICATIONFAILED") when the server does not believe it, and No for whatever else is in the way.
   */
  open(client: ClientOrigin, proof: UncheckedProof | undefined): Promise<HomeSession>;
}

/** Another server has taken the user in, and waits for what he says. */
export interface HomeSession {
  readonly server: string;
  /** Of that server after the login, in upper case, as it told them. */
  readonly capabilities: ReadonlySet<string>;
  /** Joins the two connections until one of them ends; `unread` is what the client has sent already. */
  take(client: Connection, unread: Uint8Array): Promise<void>;
}
