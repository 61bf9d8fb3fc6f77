// Whom ctl_mupdate talks to: the MUPDATE server of imapd.conf or the one that was named, replicas, backends over IMAP, and the
// mailbox list of this machine. Tests bring a murder in memory.

import { existsSync, readFileSync } from "node:fs";
import { type Clock, systemClock } from "../../base/clock.ts";
import { Bad, describeFault, No } from "../../base/fault.ts";
import { silentLog } from "../../base/log.ts";
import type { Config } from "../../config/config.ts";
import { ConfigError } from "../../config/config-error.ts";
import { defaultConfigPath, loadConfig } from "../../config/load-config.ts";
import { ImapClient } from "../../imap/client.ts";
import { logIn } from "../../imap/client-login.ts";
import type { MailboxList } from "../../mailbox/list.ts";
import { openMailboxList } from "../../mailbox/list-sqlite.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import { connectToBackend } from "../../murder/backend-connection.ts";
import { backendLogin } from "../../murder/backend-login.ts";
import { connectToAnyMaster, masterPlace } from "../../murder/master-connection.ts";
import { masterConnectionOptions } from "../../murder/master-settings.ts";
import type { ClientTls } from "../../net/connection.ts";
import { UsageError } from "../exit-code.ts";
import type { OptionDefinitions } from "../program.ts";

/** For every command. */
export const serverOptions = {
  config: { short: "C", value: "file", doc: "Configuration file instead of /etc/imapd.conf." },
  server: { value: "host[:port]", doc: "MUPDATE server to ask, master or replica, instead of mupdate_server." },
} as const satisfies OptionDefinitions;

/** For commands that ask backends. */
export const adminOptions = {
  admin: { value: "user", doc: "Administrator to log in to backends as, instead of proxy_authname." },
  "password-file": { value: "file", doc: "File whose first line is that administrator's password." },
} as const satisfies OptionDefinitions;

export interface ReachOptions {
  readonly config: string | undefined;
  readonly server: string | undefined;
  readonly admin?: string | undefined;
  readonly "password-file"?: string | undefined;
}

export interface Reach {
  readonly config: Config;
  readonly clock: Clock;
  /** Whom `master` asks, for messages. */
  readonly masterName: string;
  /** Rejects with No("UNAVAILABLE"), ConfigError when there is nobody to ask. `lost` is called once when it is over. */
  master(lost?: (reason: string) => void): Promise<MupdateClient>;
  /** The MUPDATE service of a frontend. Rejects with No("UNAVAILABLE"). */
  replica(server: string): Promise<MupdateClient>;
  /** Whether there are credentials for that backend. */
  hasLoginFor(server: string): boolean;
  /** An administrator's IMAP connection. Rejects with No("UNAVAILABLE"). */
  backend(server: string): Promise<ImapClient>;
  /** undefined when this machine has none. */
  openList(mode: "read" | "write"): MailboxList | undefined;
}

/** What belongs to lib/daemon. */
export interface Surroundings {
  tlsFor(config: Config, host: string): ClientTls;
  /** Becomes cyrus_user when started by root. */
  dropPrivileges(config: Config): void;
}

export function openReach(options: ReachOptions, surroundings: Surroundings): Reach {
  const { config } = loadConfig(options.config ?? defaultConfigPath);
  const asAdmin = withAdmin(config, options);
  surroundings.dropPrivileges(config);
  const tlsFor = (host: string) => surroundings.tlsFor(config, host);
  const masters = masterConnectionOptions({ config, tlsFor, clock: systemClock, log: silentLog });
  const servers = options.server === undefined ? masters.servers : checkedServer(options.server, masters.port);
  return {
    config,
    clock: systemClock,
    masterName: servers,
    async master(lost) {
      if (servers === "") throw new ConfigError(["mupdate_server is not set: there is no master to ask (--server)"]);
      return connectToAnyMaster({ ...masters, servers }, lost).catch(forPeople);
    },
    replica: (server) =>
      connectToAnyMaster({ ...masters, servers: config.forHost(server, "mupdate_address") ?? server }),
    hasLoginFor: (server) =>
      options.admin !== undefined ||
      (config.forHost(server, "password") ?? config.forHost(server, "client_cert")) !== undefined,
    backend: (server) => openBackend(asAdmin, server, tlsFor),
    openList: (mode) => openExisting(config.mboxlist_db_path, mode === "read"),
  };
}

function checkedServer(name: string, port: number): string {
  try {
    masterPlace(name, port);
    return name;
  } catch (fault) {
    throw fault instanceof Bad ? new UsageError(`--server: ${fault.message}`) : fault;
  }
}

/** To a server every master that it cannot use is one that is away; here a wrong password is not worth another try. */
function forPeople(fault: unknown): never {
  const cause = rootOf(fault);
  if (cause instanceof No && lastingRefusals.has(cause.code ?? "")) {
    throw new No("NOPERM", describeFault(fault), { cause: fault });
  }
  throw fault;
}

const lastingRefusals: ReadonlySet<string> = new Set(["AUTHENTICATIONFAILED", "PRIVACYREQUIRED", "CANNOT"]);

function rootOf(fault: unknown): unknown {
  return fault instanceof Error && fault.cause instanceof Error ? rootOf(fault.cause) : fault;
}

function openExisting(path: string, readOnly: boolean): MailboxList | undefined {
  return existsSync(path) ? openMailboxList({ path, readOnly, clock: systemClock }) : undefined;
}

/** The configuration with the named administrator where the proxy was. */
function withAdmin(config: Config, { admin, "password-file": file }: ReachOptions): Config {
  if (admin === undefined) return config;
  const password = file === undefined ? undefined : readFileSync(file, "utf8").split(/\r?\n/)[0];
  return {
    ...config,
    proxy_authname: admin,
    proxy_realm: undefined,
    forHost: (server, setting) =>
      setting === "password" && password !== undefined ? password : config.forHost(server, setting),
  };
}

async function openBackend(config: Config, server: string, tlsFor: (host: string) => ClientTls): Promise<ImapClient> {
  const connection = await connectToBackend(config, server, "imap", undefined);
  try {
    const client = new ImapClient(server, connection, config.proxy_response_timeout * 1000);
    await logIn(client, { ...backendLogin(config, server, "", tlsFor), id: [["name", "iatlas ctl_mupdate"]] });
    return client;
  } catch (fault) {
    connection.destroy();
    const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault;
    throw new No("UNAVAILABLE", `Cannot log in to backend "${server}": ${describeFault(cause)}`, { cause });
  }
}
