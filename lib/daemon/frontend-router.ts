// The router of a frontend or unified server: from imapd.conf to connections to backends.

import type { Config } from "../config/config.ts";
import type { LoginPlan } from "../imap/client-login.ts";
import type { MailboxList } from "../mailbox/list.ts";
import { openMailboxList } from "../mailbox/list-sqlite.ts";
import { formatOrigin } from "../mailbox/origin.ts";
import type { ClientOrigin, Router } from "../mailbox/place.ts";
import { kick, kickPath } from "../mupdate/kick.ts";
import { connectToBackend } from "../murder/backend-connection.ts";
import { backendLogin } from "../murder/backend-login.ts";
import { Health } from "../murder/health.ts";
import { BackendLinks } from "../murder/links.ts";
import { MurderRouter } from "../murder/router.ts";
import type { UncheckedProof } from "../sasl/deferring-verifier.ts";
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
    connect: (server: string, client: ClientOrigin) => connectToBackend(config, server, "imap", client),
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

/** How this server logs in at a backend for a client, and what it says of him; `user` is his name there. */
export function loginPlan(
  config: Config,
  server: string,
  client: ClientOrigin,
  version: string,
  user: string = client.identity.user,
  proof?: UncheckedProof,
): LoginPlan {
  return {
    ...backendLogin(config, server, user, (name) => readClientTls(config, name), proof),
    id: [["name", "iatlas proxyd"], ["version", version], ...formatOrigin(client)],
  };
}

/** A frontend only reads the list that the replica writes (S38); an empty one is made should the replica not have run yet. */
export function openFrontendList({ config, clock }: ServiceContext): MailboxList {
  const path = config.mboxlist_db_path;
  openMailboxList({ path, clock }).close();
  return openMailboxList({ path, clock, readOnly: true });
}
