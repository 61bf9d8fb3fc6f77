// The router of a frontend or unified server: from imapd.conf to connections to backends.

import type { Config } from "../config/config.ts";
import type { LoginPlan } from "../imap/client-login.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { ClientOrigin, Router } from "../mailbox/place.ts";
import { kick, kickPath } from "../mupdate/kick.ts";
import { backendAddress } from "../murder/backend-address.ts";
import { Health } from "../murder/health.ts";
import { BackendLinks } from "../murder/links.ts";
import { MurderRouter } from "../murder/router.ts";
import { connect } from "../net/connect.ts";
import { chooseMechanism } from "../sasl/mechanisms.ts";
import type { ServiceContext } from "./service.ts";
import { readClientTls } from "./tls-files.ts";

export interface RouterSettings {
  readonly list: MailboxList;
  /** A unified server. */
  readonly keepsMailboxes: boolean;
  readonly version: string;
}

export function openRouter({ config, clock, log }: ServiceContext, settings: RouterSettings): Router {
  const { list, keepsMailboxes, version } = settings;
  const health = new Health(clock);
  const links = {
    connect: (server: string) =>
      connect(backendAddress(config, server, "imap"), { timeoutMs: config.client_timeout * 1000 }),
    planFor: (server: string, client: ClientOrigin) => loginPlan(config, server, client, version),
    responseTimeoutMs: config.proxy_response_timeout * 1000,
    health,
    log,
  };
  return new MurderRouter({
    list,
    ownServer: config.servername,
    keepsMailboxes,
    hasVirtualDomains: config.virtdomains !== "off",
    catchUp: () => kick(kickPath(config.configdirectory), config.mupdate_response_timeout * 1000),
    openLinks: (client) => new BackendLinks(links, client),
  });
}

/** How this server logs in at a backend for a client. */
function loginPlan(config: Config, server: string, client: ClientOrigin, version: string): LoginPlan {
  const password = config.forHost(server, "password") ?? config.proxy_password;
  const named = config.forHost(server, "mechs")?.split(/\s+/) ?? undefined;
  const allowed = config.force_sasl_client_mech === undefined ? named : [config.force_sasl_client_mech];
  const realm = config.proxy_realm ? `@${config.proxy_realm}` : "";
  return {
    credentials: {
      authenticationId: `${config.proxy_authname}${realm}`,
      authorizationId: client.identity.user,
      password: password ?? "",
    },
    choose: (offered, isSecure) =>
      chooseMechanism({
        offered,
        allowed,
        // An administrator who lets passwords cross in the clear, or forces a mechanism that does, has decided.
        isSecure: isSecure || config.allowplaintext || config.force_sasl_client_mech !== undefined,
        hasExternal: isSecure && config.tls_client_cert !== undefined,
        hasPassword: password !== undefined,
        isProxying: true,
      }),
    tls: config.proxy_tls === "off" ? undefined : readClientTls(config, server),
    requiresTls: config.proxy_tls === "require" || config.proxy_tls === "verify",
    id: [
      ["name", "iatlas proxyd"],
      ["version", version],
      ["x-originating-ip", client.remoteHost],
      ["x-originating-port", String(client.remotePort)],
      ["x-session-id", client.sessionId],
    ],
  };
}
