// What the sessions of one IMAP process share: composed in bin/, read by every session.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Config } from "../config/config.ts";
import type { Annotations } from "../mailbox/annotation.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { AtStep } from "../mailbox/operations/context.ts";
import type { MailboxOperations } from "../mailbox/operations/mailbox-operations.ts";
import type { Router } from "../mailbox/place.ts";
import type { QuotaBook } from "../mailbox/quota.ts";
import type { MessageStore } from "../mailbox/store.ts";
import type { Subscriptions } from "../mailbox/subscription.ts";
import type { ServerTls } from "../net/connection.ts";
import type { Verifier } from "../sasl/mechanism.ts";
import type { HomeServers } from "./home-servers.ts";
import type { OtherServers } from "./other-servers.ts";

export interface ImapServer {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly list: MailboxList;
  readonly router: Router;
  readonly verifier: Verifier;
  /** The certificate in force; undefined when TLS is not configured. */
  readonly tls: () => ServerTls | undefined;
  /** What a server that keeps mailboxes has; undefined on a frontend. */
  readonly local: LocalMail | undefined;
  /** A multiplexer: whole sessions belong to other servers, and `list` and `router` are not asked. */
  readonly homes?: HomeServers;
  /** In a murder: what the other servers can do. */
  readonly others?: OtherServers;
  /** For fault tests: called at every step after which a copy between mailboxes can be cut short. */
  readonly atStep?: AtStep | undefined;
  readonly version: string;
}

export interface LocalMail {
  readonly store: MessageStore;
  readonly operations: MailboxOperations;
  readonly subscriptions: Subscriptions;
  readonly annotations: Annotations;
  readonly quota: QuotaBook;
}
