// A server's certificates from PEM files, checked while they are read, so that a wrong file is a line in the log at start
// or at reload and not a failed handshake later.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { describeFault, No } from "../base/fault.ts";
import type { CertificatePair, ServerTls } from "./connection.ts";

export interface CertificateFiles {
  /** PEM: the certificate, then its chain (`tls_server_cert`). */
  readonly certificate: string;
  /** PEM (`tls_server_key`); may be the same file. */
  readonly key: string;
}

export interface ServerTlsFiles
  extends Pick<ServerTls, "clientCertificates" | "minVersion" | "maxVersion" | "ciphers"> {
  /** The first is the default, the others are chosen by server name. */
  readonly pairs: readonly CertificateFiles[];
  /** PEM of the authorities for client certificates (`tls_client_ca_file`). */
  readonly clientAuthorities: string | undefined;
  readonly handshakeTimeoutMs: number;
}

/** Reads all files. Throws No("UNAVAILABLE") with a text that names the file. */
export function readServerTls(files: ServerTlsFiles): ServerTls {
  return {
    certificates: files.pairs.map(readPair),
    clientAuthorities: files.clientAuthorities === undefined ? undefined : readPem(files.clientAuthorities),
    clientCertificates: files.clientCertificates,
    minVersion: files.minVersion,
    maxVersion: files.maxVersion,
    ciphers: files.ciphers,
    handshakeTimeoutMs: files.handshakeTimeoutMs,
  };
}

/** The certificates in use: `reload` takes the files as they are now, and keeps the old ones when they are not usable. */
export class ReloadableServerTls {
  readonly #files: ServerTlsFiles;
  #current: ServerTls;

  constructor(files: ServerTlsFiles) {
    this.#files = files;
    this.#current = readServerTls(files);
  }

  get current(): ServerTls {
    return this.#current;
  }

  /** Throws like `readServerTls`; the certificates in use then stay. */
  reload(): void {
    this.#current = readServerTls(this.#files);
  }
}

/** Reads one certificate with its key and checks that they belong together. */
export function readPair(files: CertificateFiles): CertificatePair {
  const certificate = readPem(files.certificate);
  const key = readPem(files.key);
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch (fault) {
    throw new No("UNAVAILABLE", `Cannot use "${files.certificate}": it holds no PEM certificate`, { cause: fault });
  }
  try {
    createSecureContext({ cert: certificate, key });
  } catch (fault) {
    const subject = parsed.subject.replaceAll("\n", ", ");
    throw new No(
      "UNAVAILABLE",
      `Cannot use "${files.key}" as the key of "${files.certificate}" (${subject}): ${describeFault(fault)}`,
      { cause: fault },
    );
  }
  return { certificate, key };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (fault) {
    const code = fault instanceof Error && "code" in fault ? fault.code : undefined;
    const cause = code === "ENOENT" ? "no such file" : code === "EACCES" ? "permission denied" : describeFault(fault);
    throw new No("UNAVAILABLE", `Cannot read "${path}": ${cause}`, { cause: fault });
  }
}
