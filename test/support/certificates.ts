// Throw-away certificates for tests, made once for each test process.

import { createCertificateAuthority } from "../../lib/net/certificate-authority.ts";
import type { CertificatePair, ClientTls, ServerTls } from "../../lib/net/connection.ts";

export interface TestCertificates {
  /** PEM of the authority that signed all of them. */
  readonly authority: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly localhost: CertificatePair;
  /** For other.example and *.wild.example: the one chosen by SNI. */
  readonly other: CertificatePair;
  /** For localhost, expired yesterday. */
  readonly expired: CertificatePair;
  /** A client certificate with the common name "ann". */
  readonly client: CertificatePair;
  /** A client certificate of an authority that nobody trusts. */
  readonly strangerClient: CertificatePair;
}

let made: Promise<TestCertificates> | undefined;

export function testCertificates(): Promise<TestCertificates> {
  made ??= make();
  return made;
}

export function serverTls(certificates: readonly CertificatePair[], more: Partial<ServerTls> = {}): ServerTls {
  return {
    certificates,
    clientAuthorities: undefined,
    clientCertificates: "off",
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: undefined,
    handshakeTimeoutMs: 5_000,
    ...more,
  };
}

export function clientTls(authority: string, more: Partial<ClientTls> = {}): ClientTls {
  return {
    serverName: "localhost",
    authorities: authority,
    verify: true,
    client: undefined,
    handshakeTimeoutMs: 5_000,
    ...more,
  };
}

async function make(): Promise<TestCertificates> {
  const authority = await createCertificateAuthority();
  const stranger = await createCertificateAuthority("stranger");
  return {
    authority: authority.certificate,
    localhost: await authority.issueServer(["localhost", "127.0.0.1", "::1"]),
    other: await authority.issueServer(["other.example", "*.wild.example"]),
    expired: await authority.issueServer(["localhost"], { days: -1 }),
    client: await authority.issueClient("ann"),
    strangerClient: await stranger.issueClient("ann"),
  };
}
