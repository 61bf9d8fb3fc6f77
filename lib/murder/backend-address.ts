// Where another server's services are. The mailbox list names servers by their IMAP name; the `<shorthost>_…_address`
// options say where it is otherwise, or that the other services of that machine are elsewhere.

import type { Config } from "../config/config.ts";
import { parseServerName } from "../net/address.ts";

export type BackendService = "imap" | "pop3" | "lmtp" | "sieve";

export interface BackendAddress {
  readonly host: string;
  readonly port: number;
}

/** Cyrus serves LMTP over TCP on 2003; RFC 2033 §5 keeps it off port 25. */
const standardPorts: Readonly<Record<BackendService, number>> = { imap: 143, pop3: 110, lmtp: 2003, sieve: 4190 };

/** `server` as in the mailbox list: a port in it is IMAP's. Throws Bad for what is no address. */
export function backendAddress(
  config: Pick<Config, "forHost">,
  server: string,
  service: BackendService,
): BackendAddress {
  const configured = config.forHost(server, `${service}_address`);
  if (configured !== undefined) return parseServerName(configured, standardPorts[service]);
  const { host, port } = parseServerName(server, standardPorts.imap);
  return { host, port: service === "imap" ? port : standardPorts[service] };
}
