// From the tls_* options to what connections need: reads the PEM files. Certificates can be renewed: read again on SIGHUP.

import { readFileSync } from "node:fs";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import type { ClientTls, ServerTls } from "../net/connection.ts";
import { type CertificateFiles, readServerTls as readFiles, readPair, type ServerTlsFiles } from "../net/server-tls.ts";

/** Undefined when tls_server_cert is not set. Throws ConfigError for files that cannot be used. */
export function readServerTls(config: Config): ServerTls | undefined {
  const certificate = config.tls_server_cert;
  if (certificate === undefined) return undefined;
  const clientAuthorities = config.tls_client_ca_file;
  const files: ServerTlsFiles = {
    pairs: [{ certificate, key: config.tls_server_key ?? certificate }, ...config.tls_sni_certs.map(splitPair)],
    clientAuthorities,
    clientCertificates: clientAuthorities === undefined ? "off" : config.tls_client_certs,
    ...versionRange(config.tls_versions),
    ciphers: config.tls_ciphers === "DEFAULT" ? undefined : config.tls_ciphers,
    handshakeTimeoutMs: config.tls_handshake_timeout * 1000,
  };
  return reading(() => readFiles(files));
}

/** What this server is as a client of another one: its certificate for that server and whom it trusts. */
export function readClientTls(config: Config, server: string): ClientTls {
  const certificate = config.forHost(server, "client_cert");
  const key = config.forHost(server, "client_key") ?? certificate;
  const authorities = config.tls_server_ca_file;
  return {
    serverName: server.replace(/:\d+$/, ""),
    authorities: authorities === undefined ? undefined : reading(() => readFileSync(authorities, "latin1")),
    verify: config.proxy_tls === "verify",
    client: certificate === undefined || key === undefined ? undefined : reading(() => readPair({ certificate, key })),
    handshakeTimeoutMs: config.tls_handshake_timeout * 1000,
  };
}

/** A file that cannot be used is the administrator's to change. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (fault) {
    throw new ConfigError([describeFault(fault)]);
  }
}

function splitPair(pair: string): CertificateFiles {
  const [certificate = "", key = ""] = pair.split(":");
  return { certificate, key };
}

/** TLS 1.0 and 1.1 are never spoken (RFC 8996), whatever tls_versions says for Cyrus' sake. */
function versionRange(versions: Config["tls_versions"]): Pick<ServerTls, "minVersion" | "maxVersion"> {
  const has12 = versions.includes("tls1_2");
  const has13 = versions.includes("tls1_3");
  if (!has12 && !has13) throw new ConfigError(["tls_versions: neither tls1_2 nor tls1_3 is named"]);
  return { minVersion: has12 ? "TLSv1.2" : "TLSv1.3", maxVersion: has13 ? "TLSv1.3" : "TLSv1.2" };
}

/** The certificates in force. A renewal that cannot be read leaves the old ones. */
export class Certificates {
  current: ServerTls | undefined;
  readonly #log: Log;

  constructor(config: Config, log: Log) {
    this.#log = log;
    this.current = readServerTls(config);
  }

  renew(config: Config): void {
    try {
      this.current = readServerTls(config);
    } catch (fault) {
      this.#log.error("certificates not renewed", { reason: describeFault(fault) });
    }
  }
}
