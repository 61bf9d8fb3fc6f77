// What the LMTP sessions of one process share: composed in lib/daemon, read by every session.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Config } from "../config/config.ts";
import type { ServerTls } from "../net/connection.ts";
import type { Verifier } from "../sasl/mechanism.ts";
import type { Delivery } from "./delivery.ts";

export interface LmtpServer {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly verifier: Verifier;
  /** The certificate in force; undefined when TLS is not configured. */
  readonly tls: () => ServerTls | undefined;
  readonly delivery: Delivery;
  /** -a: nobody has to authenticate. Over unix sockets that is always so. */
  readonly isPreauthorized: boolean;
  readonly version: string;
}
