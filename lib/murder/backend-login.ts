// How this server logs in to another one: as itself on a user's behalf, as a master user, or with what the user gave.

import { No } from "../base/fault.ts";
import type { Config } from "../config/config.ts";
import type { ClientTls } from "../net/connection.ts";
import type { UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { ClientMechanism, Credentials } from "../sasl/mechanism.ts";
import { chooseMechanism } from "../sasl/mechanisms.ts";

export interface BackendLogin {
  readonly credentials: Omit<Credentials, "exporter">;
  choose(offered: readonly string[], isSecure: boolean): ClientMechanism | undefined;
  readonly tls: ClientTls | undefined;
  readonly requiresTls: boolean;
}

/** Values of proxy_login. */
export type LoginMethod = Config["proxy_login"];

const methods: ReadonlySet<string> = new Set<LoginMethod>(["authorize", "master", "password"]);

export function loginMethodOf(config: Pick<Config, "forHost" | "proxy_login">, server: string): LoginMethod {
  const own = config.forHost(server, "login")?.toLowerCase() ?? "";
  return isLoginMethod(own) ? own : config.proxy_login;
}

function isLoginMethod(text: string): text is LoginMethod {
  return methods.has(text);
}

/**
 * `user` is whom we act for; empty where we act for nobody (LMTP). `tlsFor` reads the certificates for a server. `proof` is
 * what only the other server can check: without it, and with it elsewhere than where passwords are passed on, throws
 * No("AUTHORIZATIONFAILED").
 */
export function backendLogin(
  config: Config,
  server: string,
  user: string,
  tlsFor: (server: string) => ClientTls,
  proof?: UncheckedProof,
): BackendLogin {
  const credentials = user === "" ? ownCredentials(config, server, "") : credentialsFor(config, server, user, proof);
  const { authorizationId, password } = credentials;
  const listed = config.forHost(server, "mechs")?.split(/[\s,]+/);
  const forced = config.force_sasl_client_mech?.toUpperCase();
  return {
    credentials: { ...credentials, password: password ?? "" },
    choose: (offered, isSecure) =>
      chooseMechanism({
        offered,
        allowed: forced === undefined ? listed : [forced],
        // An administrator who lets passwords cross in the clear, or forces a mechanism that does, has decided.
        isSecure: isSecure || config.allowplaintext || forced !== undefined,
        hasExternal: proof === undefined && isSecure && config.forHost(server, "client_cert") !== undefined,
        hasPassword: password !== undefined,
        isProxying: authorizationId !== "",
      }),
    tls: config.proxy_tls === "off" ? undefined : tlsFor(server),
    requiresTls: config.proxy_tls === "require" || config.proxy_tls === "verify",
  };
}

interface BackendCredentials {
  readonly authenticationId: string;
  readonly authorizationId: string;
  readonly password: string | undefined;
}

function credentialsFor(
  config: Config,
  server: string,
  user: string,
  proof: UncheckedProof | undefined,
): BackendCredentials {
  const method = loginMethodOf(config, server);
  // Never may an unchecked password open what our own opens.
  if ((method === "password") !== (proof !== undefined)) {
    throw new No(
      "AUTHORIZATIONFAILED",
      "This login cannot be passed on: only passwords can, to where they are checked",
    );
  }
  if (proof) {
    const { name, password } = proof;
    return { authenticationId: name, authorizationId: name === user ? "" : user, password };
  }
  if (method === "authorize") return ownCredentials(config, server, user);
  const separator = config.forHost(server, "master_separator") ?? "*";
  return { ...ownCredentials(config, server, ""), authenticationId: `${user}${separator}${config.proxy_authname}` };
}

function ownCredentials(config: Config, server: string, user: string): BackendCredentials {
  const realm = config.proxy_realm ? `@${config.proxy_realm}` : "";
  return {
    authenticationId: `${config.proxy_authname}${realm}`,
    authorizationId: user,
    password: config.forHost(server, "password"),
  };
}
