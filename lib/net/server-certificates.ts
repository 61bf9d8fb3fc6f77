// A ServerTls made ready for Bun's sockets: option names and numbers translated, and a certificate chosen by the name the
// client asks for (RFC 6066 §3). Made once for each ServerTls.

import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { CertificatePair, ServerTls } from "./connection.ts";

/** Bun's sockets take TLS versions as the numbers of the protocol; names throw. */
const versionNumbers = { "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 } as const;

export interface PreparedServerTls {
  readonly options: Bun.TLSOptions & { readonly minVersion: number; readonly maxVersion: number };
  /** Bun's native context for a server name; undefined: the default certificate. */
  contextFor(serverName: string): object | undefined;
}

const prepared = new WeakMap<ServerTls, PreparedServerTls>();

export function prepareServerTls(tls: ServerTls): PreparedServerTls {
  const known = prepared.get(tls);
  if (known) return known;
  const fresh = build(tls);
  prepared.set(tls, fresh);
  return fresh;
}

function build(tls: ServerTls): PreparedServerTls {
  const [first, ...others] = tls.certificates;
  if (!first) throw new Error("TLS needs at least one certificate");
  const asksClient = tls.clientCertificates !== "off" && tls.clientAuthorities !== undefined;
  const alternatives = others.map((pair) => new Alternative(pair));
  const parsedFirst = others.length > 0 ? new X509Certificate(first.certificate) : undefined;
  return {
    options: {
      cert: first.certificate,
      key: first.key,
      minVersion: versionNumbers[tls.minVersion],
      maxVersion: versionNumbers[tls.maxVersion],
      requestCert: asksClient,
      // With "optional" the handshake goes on and an unverified certificate counts as none.
      rejectUnauthorized: asksClient && tls.clientCertificates === "require",
      ...(asksClient && tls.clientAuthorities !== undefined ? { ca: tls.clientAuthorities } : {}),
      ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    },
    contextFor(serverName) {
      if (parsedFirst?.checkHost(serverName) !== undefined) return undefined;
      return alternatives.find((each) => each.matches(serverName))?.context;
    },
  };
}

class Alternative {
  readonly #certificate: X509Certificate;
  readonly #context: SecureContext;

  constructor(pair: CertificatePair) {
    this.#certificate = new X509Certificate(pair.certificate);
    this.#context = createSecureContext({ cert: pair.certificate, key: pair.key });
  }

  matches(serverName: string): boolean {
    return this.#certificate.checkHost(serverName) !== undefined;
  }

  /** node:tls wraps the native context; the sockets below want what is inside. */
  get context(): object {
    return this.#context.context;
  }
}
