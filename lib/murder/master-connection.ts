// Opens connections to the MUPDATE masters that `mupdate_server` names: host, host:port, [IPv6]:port or the path of a unix
// socket; several, separated by blanks, are tried in order.

import type { Clock } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { logIn } from "../mupdate/login.ts";
import { parseServerName } from "../net/address.ts";
import { type ConnectPlace, connect } from "../net/connect.ts";
import type { ClientTls } from "../net/connection.ts";
import type { ClientMechanism, Credentials } from "../sasl/mechanism.ts";

export interface MasterConnectionOptions {
  /** `mupdate_server`. */
  readonly servers: string;
  /** `mupdate_port`. */
  readonly port: number;
  readonly credentials: Omit<Credentials, "exporter">;
  /** Picks the mechanism; `isSecure` says that a password in the clear is no risk. */
  readonly choose: (offered: readonly string[], isSecure: boolean) => ClientMechanism | undefined;
  /** How to speak TLS with a host; undefined: not at all. */
  readonly tlsFor: (host: string) => ClientTls | undefined;
  readonly requiresTls: boolean;
  readonly compresses: boolean;
  /** To connect, to log in, and then for each command. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The servers' names as they are written. */
export function masterNames(servers: string): readonly string[] {
  return servers.split(/\s+/).filter((name) => name !== "");
}

/** Where a server's name leads. Throws Bad. */
export function masterPlace(name: string, defaultPort: number): ConnectPlace {
  if (name.startsWith("/")) return { path: name };
  return parseServerName(name, defaultPort);
}

/** One server. Rejects with No("UNAVAILABLE"). */
export async function connectToMaster(
  name: string,
  options: MasterConnectionOptions,
  lost?: (reason: string) => void,
): Promise<MupdateClient> {
  const place = masterPlace(name, options.port);
  const connection = await connect(place, { timeoutMs: options.deadlineMs });
  const { credentials, choose, requiresTls, compresses, deadlineMs, clock, log } = options;
  return logIn(connection, {
    choose,
    credentials,
    tls: "host" in place ? options.tlsFor(place.host) : undefined,
    requiresTls: requiresTls && "host" in place,
    compresses,
    clock,
    log,
    deadlineMs,
    ...(lost && { lost }),
  });
}

/** The first server that answers. Rejects with No("UNAVAILABLE") and the reasons of all. */
export async function connectToAnyMaster(
  options: MasterConnectionOptions,
  lost?: (reason: string) => void,
): Promise<MupdateClient> {
  const faults: unknown[] = [];
  for (const name of masterNames(options.servers)) {
    try {
      return await connectToMaster(name, options, lost);
    } catch (fault) {
      faults.push(fault);
    }
  }
  const reasons = faults.map(describeFault).join("; ");
  throw new No("UNAVAILABLE", reasons || "No MUPDATE master is configured", {
    cause: faults.length === 1 ? faults[0] : undefined,
  });
}
