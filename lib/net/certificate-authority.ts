// Throw-away certificates for demos and tests: an authority made on the spot and certificates signed by it (ECDSA P-256).
// Keys are never meant to live long; a real murder gets its certificates elsewhere.

import { isIP } from "node:net";
import type { ExtendedKeyUsage, X509Certificate } from "@peculiar/x509";
import type { CertificatePair } from "./connection.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const defaultDays = 30;
const dayMs = 86_400_000;

type X509 = typeof import("@peculiar/x509");

export interface CertificateAuthority {
  /** PEM of the authority's own certificate: what clients trust. */
  readonly certificate: string;
  /** A certificate for these host names and addresses; the first one is the subject. */
  issueServer(names: readonly string[], options?: IssueOptions): Promise<CertificatePair>;
  /** A certificate that names a user or another server as a client. */
  issueClient(commonName: string, options?: IssueOptions): Promise<CertificatePair>;
}

export interface IssueOptions {
  /** Negative: already expired. */
  readonly days?: number;
}

export async function createCertificateAuthority(
  commonName = "iatlas throw-away authority",
): Promise<CertificateAuthority> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(defaultDays),
    serialNumber: randomSerial(),
    name: `CN=${escapeName(commonName)}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = (name: string, names: readonly string[], usage: ExtendedKeyUsage, options: IssueOptions = {}) =>
    issueCertificate(x509, authority, keys.privateKey, name, names, usage, options.days ?? defaultDays);
  return {
    certificate: authority.toString("pem"),
    issueServer: (names, options) => issue(names[0] ?? "localhost", names, x509.ExtendedKeyUsage.serverAuth, options),
    issueClient: (name, options) => issue(name, [], x509.ExtendedKeyUsage.clientAuth, options),
  };
}

/**
 * Compiled, a module's own imports do not keep their order, and x509 needs the other one to have run before. Both cost 100 ms
 * that a program spends only when it makes certificates.
 */
async function loadX509(): Promise<X509> {
  await import("reflect-metadata");
  return await import("@peculiar/x509");
}

async function issueCertificate(
  x509: X509,
  authority: X509Certificate,
  authorityKey: CryptoKey,
  commonName: string,
  names: readonly string[],
  usage: ExtendedKeyUsage,
  days: number,
): Promise<CertificatePair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const alternativeNames = names.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(days),
    serialNumber: randomSerial(),
    subject: `CN=${escapeName(commonName)}`,
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: authorityKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      ...(alternativeNames.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternativeNames)] : []),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certificate: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
}

/** Starts a day early: clocks of machines differ. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  const end = Date.now() + days * dayMs;
  return { notBefore: new Date(Math.min(Date.now(), end) - dayMs), notAfter: new Date(end) };
}

/** Positive and never twice (RFC 5280 §4.1.2.2). */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(Buffer.alloc(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** RFC 4514 §2.4. */
function escapeName(name: string): string {
  return name.replace(/[\\,+"<>;=#]/g, (char) => `\\${char}`);
}
