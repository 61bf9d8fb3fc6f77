// How this server logs in to another one of the murder, for the protocols of lines (LMTP, POP3).

import type { Config } from "../config/config.ts";
import type { ClientTls } from "../net/connection.ts";
import type { ClientMechanism, Credentials } from "../sasl/mechanism.ts";
import { chooseMechanism } from "../sasl/mechanisms.ts";

export interface BackendLogin {
  readonly credentials: Omit<Credentials, "exporter">;
  choose(offered: readonly string[], isSecure: boolean): ClientMechanism | undefined;
  readonly tls: ClientTls | undefined;
  readonly requiresTls: boolean;
}

/** `user` is whom we act for; empty where we act for nobody (LMTP). `tlsFor` reads the certificates for a server. */
export function backendLogin(
  config: Config,
  server: string,
  user: string,
  tlsFor: (server: string) => ClientTls,
): BackendLogin {
  const password = config.forHost(server, "password");
  const listed = config.forHost(server, "mechs")?.split(/[\s,]+/);
  const forced = config.force_sasl_client_mech?.toUpperCase();
  const realm = config.proxy_realm ? `@${config.proxy_realm}` : "";
  return {
    credentials: {
      authenticationId: `${config.proxy_authname}${realm}`,
      authorizationId: user,
      password: password ?? "",
    },
    choose: (offered, isSecure) =>
      chooseMechanism({
        offered,
        allowed: forced === undefined ? listed : [forced],
        // An administrator who lets passwords cross in the clear, or forces a mechanism that does, has decided.
        isSecure: isSecure || config.allowplaintext || forced !== undefined,
        hasExternal: isSecure && config.forHost(server, "client_cert") !== undefined,
        hasPassword: password !== undefined,
        isProxying: user !== "",
      }),
    tls: config.proxy_tls === "off" ? undefined : tlsFor(server),
    requiresTls: config.proxy_tls === "require" || config.proxy_tls === "verify",
  };
}
