// From the tls_* options to what connections need: reads the PEM files. Certificates can be renewed: read again on SIGHUP.

import { readFileSync } from "node:fs";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import type { CertificatePair, ClientTls, ServerTls } from "../net/connection.ts";

/** Undefined when tls_server_cert is not set. Throws ConfigError for files that cannot be read. */
export function readServerTls(config: Config): ServerTls | undefined {
  if (config.tls_server_cert === undefined) return undefined;
  const clientCa = config.tls_client_ca_file;
  return {
    certificates: [
      readPair("tls_server_cert", config.tls_server_cert, config.tls_server_key),
      ...config.tls_sni_certs.map((pair) => readPair("tls_sni_certs", ...splitPair(pair))),
    ],
    clientAuthorities: clientCa === undefined ? undefined : readPem("tls_client_ca_file", clientCa),
    clientCertificates: clientCa === undefined ? "off" : config.tls_client_certs,
    ...versionRange(config.tls_versions),
    ciphers: config.tls_ciphers === "DEFAULT" ? undefined : config.tls_ciphers,
    handshakeTimeoutMs: config.tls_handshake_timeout * 1000,
  };
}

/** What this server is as a client of another one: its certificate for that server and whom it trusts. */
export function readClientTls(config: Config, server: string): ClientTls {
  const certificate = config.forHost(server, "client_cert");
  const key = config.forHost(server, "client_key");
  const authorities = config.tls_server_ca_file;
  return {
    serverName: server.replace(/:\d+$/, ""),
    authorities: authorities === undefined ? undefined : readPem("tls_server_ca_file", authorities),
    verify: config.proxy_tls === "verify",
    client: certificate === undefined ? undefined : readPair("tls_client_cert", certificate, key),
    handshakeTimeoutMs: config.tls_handshake_timeout * 1000,
  };
}

function readPair(option: string, certificateFile: string, keyFile: string | undefined): CertificatePair {
  return { certificate: readPem(option, certificateFile), key: readPem(option, keyFile ?? certificateFile) };
}

function splitPair(pair: string): [certificateFile: string, keyFile: string] {
  const [certificateFile = "", keyFile = ""] = pair.split(":");
  return [certificateFile, keyFile];
}

function readPem(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (fault) {
    throw new ConfigError([`${option}: Cannot read ${path}: ${describeFault(fault)}`]);
  }
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
