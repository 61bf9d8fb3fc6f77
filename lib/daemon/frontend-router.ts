// The router of a frontend or unified server: from imapd.conf to connections to backends.

import type { Config } from "../config/config.ts";
import { ImapClient } from "../imap/client.ts";
import { type LoginPlan, logIn } from "../imap/client-login.ts";
import type { MailboxList } from "../mailbox/list.ts";
import { openMailboxList } from "../mailbox/list-sqlite.ts";
import { formatOrigin } from "../mailbox/origin.ts";
import type { ClientOrigin, Router } from "../mailbox/place.ts";
import { kick, kickPath } from "../mupdate/kick.ts";
import { connectToBackend } from "../murder/backend-connection.ts";
import { backendLogin } from "../murder/backend-login.ts";
import { Health } from "../murder/health.ts";
import { BackendLinks, type LinkOptions } from "../murder/links.ts";
import { MurderRouter } from "../murder/router.ts";
import { ServerCapabilities } from "../murder/server-capabilities.ts";
import type { UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { ServiceContext } from "./service.ts";
import { readClientTls } from "./tls-files.ts";

export interface RouterSettings {
  readonly list: MailboxList;
  /** A unified server. */
  readonly keepsMailboxes: boolean;
  readonly version: string;
}

/** A router, and what the servers that it leads to can do. */
export function openMurder(
  context: ServiceContext,
  settings: RouterSettings,
): { readonly router: Router; readonly others: ServerCapabilities } {
  const { config, clock, log } = context;
  const others = new ServerCapabilities({
    ...{ list: settings.list, ownServer: config.servername, clock, log },
    ask: (server) => askCapabilities(config, server, settings.version),
  });
  return { router: openRouter(context, settings, (...said) => others.learned(...said)), others };
}

/** `learned` hears what each server says it can do. */
export function openRouter(
  { config, clock, log, metrics }: ServiceContext,
  settings: RouterSettings,
  learned?: LinkOptions["learned"],
): Router {
  const { list, keepsMailboxes, version } = settings;
  const reachable = metrics.gauge("iatlas_backend_reachable", "Whether the last attempt to reach it worked", [
    "server",
  ]);
  const health = new Health(clock, { changed: (server, isWell) => reachable.set({ server }, isWell ? 1 : 0) });
  const links: LinkOptions = {
    connect: (server, client) => connectToBackend(config, server, "imap", client),
    planFor: (server, client) => loginPlan(config, server, client, version),
    responseTimeoutMs: config.proxy_response_timeout * 1000,
    loginTimeoutMs: config.client_timeout * 1000,
    ...{ health, log },
    ...(learned && { learned }),
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
    id: [...ourId(version), ...formatOrigin(client)],
  };
}

function ourId(version: string): readonly (readonly [string, string])[] {
  return [
    ["name", "iatlas proxyd"],
    ["version", version],
  ];
}

/** On nobody's behalf, so that no user needs to be known there. What a server says before login can be a part only. */
async function askCapabilities(config: Config, server: string, version: string): Promise<ReadonlySet<string>> {
  const connection = await connectToBackend(config, server, "imap", undefined);
  const remote = new ImapClient(server, connection, config.client_timeout * 1000);
  try {
    const login = backendLogin(config, server, "", (name) => readClientTls(config, name));
    await logIn(remote, { ...login, id: ourId(version) });
    return remote.capabilities;
  } finally {
    remote.close();
  }
}

/** A frontend only reads the list that the replica writes (S38); an empty one is made should the replica not have run yet. */
export function openFrontendList({ config, clock }: ServiceContext): MailboxList {
  const path = config.mboxlist_db_path;
  openMailboxList({ path, clock }).close();
  return openMailboxList({ path, clock, readOnly: true });
}
