// Which logins a connection is good for: none before TLS with `tls_required`, no passwords in the clear without
// `allowplaintext`. Unix sockets need no TLS: nobody else hears them. One place for all protocols.

import type { ServerContext, ServerMechanism, Verifier } from "./mechanism.ts";
import { offeredMechanisms } from "./mechanisms.ts";

/** What a connection knows of its peer. */
export interface Peer {
  readonly peerUserId: number | undefined;
  readonly tls: PeerTls | undefined;
}

interface PeerTls {
  readonly peerCertificate: { readonly subject: string } | undefined;
  readonly exporter: Uint8Array | undefined;
}

/** Values of the imapd.conf options of these names. */
export interface LoginSettings {
  readonly allowplaintext: boolean;
  readonly tls_required: boolean;
  readonly sasl_mech_list: readonly string[];
}

export function isLoginAllowed(peer: Peer, settings: LoginSettings): boolean {
  return isPrivate(peer) || !settings.tls_required;
}

export function isPlaintextAllowed(peer: Peer, settings: LoginSettings): boolean {
  return isPrivate(peer) || (settings.allowplaintext && !settings.tls_required);
}

/** What the peer may log in with now, strongest first. */
export function mechanismsFor(peer: Peer, settings: LoginSettings, context: ServerContext): ServerMechanism[] {
  if (!isLoginAllowed(peer, settings)) return [];
  return offeredMechanisms(context, isPlaintextAllowed(peer, settings), settings.sasl_mech_list);
}

/** What the mechanisms need to know of the connection. */
export function contextOf(
  { tls }: Peer,
  server: { readonly verifier: Verifier; readonly hostName: string },
  service: string,
): ServerContext {
  return {
    verifier: server.verifier,
    service,
    hostName: server.hostName,
    isSecure: tls !== undefined,
    externalId: commonNameOf(tls?.peerCertificate?.subject),
    exporter: tls?.exporter,
  };
}

/** The common name of a verified client certificate. */
function commonNameOf(subject: string | undefined): string | undefined {
  return subject?.match(/^CN=(.+)$/m)?.[1];
}

function isPrivate({ peerUserId, tls }: Peer): boolean {
  return tls !== undefined || peerUserId !== undefined;
}
