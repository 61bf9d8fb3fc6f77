// What the POP3 sessions of one process share: composed in lib/daemon, read by every session.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Config } from "../config/config.ts";
import type { ClientOrigin } from "../mailbox/place.ts";
import type { Connection, ServerTls } from "../net/connection.ts";
import type { DeferringVerifier, UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { Verifier } from "../sasl/mechanism.ts";
import type { LoginDelay } from "./login-delay.ts";
import type { Maildrop } from "./maildrop.ts";

export interface Pop3Server {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly verifier: Verifier;
  /** A multiplexer: in the place of `verifier`, one for each session. */
  readonly newVerifier?: () => DeferringVerifier;
  /** The certificate in force; undefined when TLS is not configured. */
  readonly tls: () => ServerTls | undefined;
  readonly maildrops: Maildrops;
  readonly loginDelay: LoginDelay;
  readonly version: string;
}

export interface Maildrops {
  /**
   * Opens the user's maildrop, wherever it is; `folder` is what stood behind "+" in his name (`popsubfolders`), `proof` the
   * password that was left to another server to check. Throws No("INUSE") when another session has the maildrop,
   * No("AUTHENTICATIONFAILED") when `proof` is wrong, and No for what else is in the way.
   */
  open(client: ClientOrigin, folder: string | undefined, proof?: UncheckedProof): Promise<OpenedMaildrop>;
}

export type OpenedMaildrop = { readonly kind: "here"; readonly maildrop: Maildrop } | RemoteMaildrop;

/** Another server has answered the login; all that the client says from now on is for it. */
export interface RemoteMaildrop {
  readonly kind: "elsewhere";
  readonly server: string;
  /** The other server's answer to the login, without "+OK". */
  readonly text: string;
  /** Joins the two connections until one of them ends; `unread` is what the client has sent already. */
  take(client: Connection, unread: Uint8Array): Promise<void>;
  discard(): void;
}
