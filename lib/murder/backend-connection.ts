// Opens connections to the services of backends, with the PROXY protocol's header where the backend wants one.

import type { Config } from "../config/config.ts";
import type { ClientOrigin } from "../mailbox/place.ts";
import { type ConnectOptions, connect } from "../net/connect.ts";
import type { Connection } from "../net/connection.ts";
import { type BackendService, backendAddress } from "./backend-address.ts";

type Settings = Pick<Config, "forHost" | "client_timeout" | "proxy_protocol">;
type Client = Pick<ClientOrigin, "remoteHost" | "remotePort">;

/** `client`: for whom; undefined when the connection is this server's own. Rejects with No("UNAVAILABLE"). */
export function connectToBackend(
  config: Settings,
  server: string,
  service: BackendService,
  client: Client | undefined,
): Promise<Connection> {
  const header = proxyHeader(config, server, client);
  return connect(backendAddress(config, server, service), {
    timeoutMs: config.client_timeout * 1000,
    ...(header && { proxyHeader: header }),
  });
}

function proxyHeader(config: Settings, server: string, client: Client | undefined): ConnectOptions["proxyHeader"] {
  const own = config.forHost(server, "send_proxy")?.toLowerCase();
  const version = isVersion(own) ? own : config.proxy_protocol;
  if (version === "off") return undefined;
  return { version, source: client && { host: client.remoteHost, port: client.remotePort } };
}

function isVersion(text: string | undefined): text is Settings["proxy_protocol"] {
  return text === "off" || text === "v1" || text === "v2";
}
