// Starting TLS on a connected Bun socket, as server and as client, and what the handshake established.

import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, getCACertificates } from "node:tls";
import type { Socket, SocketHandler } from "bun";
import type { ClientTls, ServerTls, TlsState } from "./connection.ts";
import { prepareServerTls } from "./server-certificates.ts";

/** Upgrades with the certificate that fits the client's server name. Throws when the options cannot be used. */
export function upgradeAsServer<T>(
  socket: Socket<T>,
  data: T,
  handlers: SocketHandler<T>,
  context: ServerTls,
): Socket<T> {
  const { options, contextFor } = prepareServerTls(context);
  // `isServer` and the `serverName` handler are what node:tls itself uses below its SNICallback; Bun's types lack them.
  const upgrade = {
    data,
    isServer: true,
    tls: options,
    socket: {
      ...handlers,
      serverName: (_data: unknown, name: string) => contextFor(name.toLowerCase()),
    },
  };
  return socket.upgradeTLS<T>(upgrade)[1];
}

export function upgradeAsClient<T>(
  socket: Socket<T>,
  data: T,
  handlers: SocketHandler<T>,
  context: ClientTls,
): Socket<T> {
  const upgrade = {
    data,
    isServer: false,
    tls: {
      rejectUnauthorized: false, // judged in `clientFault`, with a text that names the certificate's fault
      serverName: isIP(context.serverName) === 0 ? context.serverName : "", // RFC 6066 §3: no addresses
      ...(context.verify ? { ca: context.authorities ?? systemAuthorities() } : {}),
      ...(context.client ? { cert: context.client.certificate, key: context.client.key } : {}),
    },
    socket: handlers,
  };
  return socket.upgradeTLS<T>(upgrade)[1];
}

/** Why the server's certificate is not good enough, or undefined. */
export function clientFault(socket: Socket<unknown>, context: ClientTls, verifyError: Error | null): Error | undefined {
  if (!context.verify) return undefined;
  if (verifyError) return verifyError;
  const certificate = socket.getPeerCertificate();
  if (!certificate || Object.keys(certificate).length === 0) return new Error("the server sent no certificate");
  return checkServerIdentity(context.serverName, certificate);
}

/**
 * Whether the handshake was completed and only the peer's certificate is not good: of some (self-signed ones) Bun says that
 * the handshake failed, although the connection works.
 */
export function isCertificateFault(fault: Error | null): boolean {
  const code = fault !== null && "code" in fault ? String(fault.code) : "";
  return /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_)/.test(code);
}

let systemPems: string[] | undefined;

function systemAuthorities(): string[] {
  systemPems ??= [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
  return systemPems;
}

/** The state of a finished handshake. The exporter is computed when asked for: few connections need it. */
export class SocketTlsState implements TlsState {
  readonly protocol: string;
  readonly cipher: string;
  readonly serverName: string | undefined;
  readonly peerCertificate: X509Certificate | undefined;
  readonly #socket: Socket<unknown>;

  constructor(socket: Socket<unknown>, isPeerVerified: boolean) {
    this.#socket = socket;
    this.protocol = socket.getTLSVersion();
    this.cipher = socket.getCipher().name;
    this.serverName = socket.getServername()?.toLowerCase();
    const certificate = isPeerVerified ? socket.getPeerX509Certificate() : undefined;
    this.peerCertificate = certificate instanceof X509Certificate ? certificate : undefined;
  }

  get exporter(): Uint8Array | undefined {
    if (this.protocol !== "TLSv1.3" || this.#socket.readyState <= 0) return undefined;
    return this.#socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
  }
}
