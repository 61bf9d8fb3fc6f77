// What imapd.conf says about connections to the MUPDATE master.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import type { ClientTls } from "../net/connection.ts";
import { chooseMechanism } from "../sasl/mechanisms.ts";
import type { MasterConnectionOptions } from "./master-connection.ts";

export interface MasterSettings {
  readonly config: Config;
  /** Our certificate and authorities towards a host. */
  readonly tlsFor: (host: string) => ClientTls;
  readonly clock: Clock;
  readonly log: Log;
}

export function masterConnectionOptions({ config, tlsFor, clock, log }: MasterSettings): MasterConnectionOptions {
  const forced = config.force_sasl_client_mech?.toUpperCase();
  const realm = config.mupdate_realm ? `@${config.mupdate_realm}` : "";
  return {
    servers: config.mupdate_server ?? "",
    port: config.mupdate_port,
    credentials: {
      authenticationId: `${config.mupdate_authname ?? config.mupdate_username}${realm}`,
      authorizationId: config.mupdate_authname === undefined ? "" : config.mupdate_username,
      password: config.mupdate_password ?? "",
    },
    choose: (offered, isSecure) =>
      chooseMechanism({
        offered,
        allowed: forced === undefined ? undefined : [forced],
        // An administrator who lets passwords cross in the clear, or forces a mechanism that does, has decided.
        isSecure: isSecure || config.allowplaintext || forced !== undefined,
        hasExternal: isSecure && config.tls_client_cert !== undefined,
        hasPassword: config.mupdate_password !== undefined,
        isProxying: config.mupdate_authname !== undefined && config.mupdate_username !== "",
      }),
    tlsFor: (host) => (config.proxy_tls === "off" ? undefined : tlsFor(host)),
    requiresTls: config.proxy_tls === "require" || config.proxy_tls === "verify",
    compresses: config.proxy_compress,
    deadlineMs: config.mupdate_response_timeout * 1000,
    clock,
    log,
  };
}
