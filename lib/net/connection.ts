// What a connection is to everything above: bytes in, bytes out, TLS, deadlines, back-pressure. It knows nothing about
// mail. Implementations: socket.ts (TCP and unix sockets), pair.ts (two ends in memory, for tests).

import type { X509Certificate } from "node:crypto";

/** The two ends of a connection. Unix sockets have the path as `host` and port 0. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What TLS established. */
export interface TlsState {
  readonly protocol: string;
  readonly cipher: string;
  /** The name the client asked for, in lower case; undefined when it sent none. */
  readonly serverName: string | undefined;
  /** The peer's certificate when it sent one that verified against the configured authorities. */
  readonly peerCertificate: X509Certificate | undefined;
  /** RFC 9266 `tls-exporter` channel binding; undefined below TLS 1.3. */
  readonly exporter: Uint8Array | undefined;
}

/** Who receives a connection's bytes. It can be replaced at any time: that is how a relay takes a connection over. */
export interface Receiver {
  /** Bytes from the peer. The array is only valid during the call unless `retain` copied it. */
  receive(bytes: Uint8Array): void;
  /** Everything written so far has left our buffers (called once after `write` returned false). */
  drained?(): void;
  /**
   * The peer has finished sending but still reads (a TCP half-close): answer what it asked, then `close()`. Without this
   * method the connection is closed, as after `closed({ kind: "peer" })`.
   */
  ended?(): void;
  /** The peer has closed, the socket failed, or `destroy`/`close` has finished. Called exactly once. */
  closed(reason: CloseReason): void;
  /** Nothing was received for the idle time set with `setIdleTimeout`. Without this method the connection is closed. */
  idle?(): void;
}

export type CloseReason =
  | { readonly kind: "peer" } //               the peer ended the connection
  | { readonly kind: "local" } //              we closed it
  | { readonly kind: "timeout" } //            the idle time passed
  | { readonly kind: "error"; readonly error: Error };

export interface Connection {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Numeric user id of the peer process; unix sockets only. */
  readonly peerUserId: number | undefined;
  /** Undefined in the clear. */
  readonly tls: TlsState | undefined;
  readonly isOpen: boolean;
  /** Whether `startCompression` was called. */
  readonly isCompressed: boolean;
  /** Bytes accepted by `write` that the kernel has not taken yet; those not yet compressed count as they are. */
  readonly pendingBytes: number;

  /** Names the receiver of everything from now on. Bytes that arrived before are delivered to it, in order. */
  attach(receiver: Receiver): void;
  /**
   * Sends bytes (a string is latin1: one byte per character). Never blocks and never loses: what the kernel does not
   * take is kept; the array must not change afterwards. Small writes of one turn leave together. Returns false when more than the high-water mark (64 KiB) is waiting: stop and await `drained()`.
   * Writing to a closed connection does nothing and returns false.
   */
  write(bytes: Uint8Array | string): boolean;
  /** Resolves when less than the high-water mark is waiting, or the connection is closed (check `isOpen`). */
  drained(): Promise<void>;
  /** Stops reading: the peer feels back-pressure. */
  pause(): void;
  resume(): void;
  /**
   * Starts TLS as a server (RFC 3207, RFC 9051 §6.2.1). Plaintext received before the handshake is thrown away.
   * Rejects when the handshake fails or the deadline passes; the connection is then closed.
   */
  startTlsServer(context: ServerTls): Promise<TlsState>;
  /** Starts TLS as a client, verifying as `context` says. Rejects and closes like `startTlsServer`. */
  startTlsClient(context: ClientTls): Promise<TlsState>;
  /**
   * DEFLATE both ways (RFC 4978), above TLS, which cannot be started any more: what was written before goes out as it is,
   * everything after it compressed, and what comes from now on is inflated. `received` is what came behind the command
   * and was not read: it is compressed already. Throws when compression is active. Damaged input ends the connection.
   */
  startCompression(received?: Uint8Array): void;
  /** Closes after `idleMs` without a byte from the peer (or calls `receiver.idle`); 0 never. */
  setIdleTimeout(idleMs: number): void;
  /** Sends everything written so far, then closes; gives up after a deadline of 10 s. */
  close(): void;
  /** Closes at once; what was not sent is lost. */
  destroy(): void;
}

/** PEM texts of one certificate with its chain and key. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

export interface ServerTls {
  /** The first is the default; the others are chosen when the client's server name (SNI) matches one of their names. */
  readonly certificates: readonly CertificatePair[];
  /** PEM of the authorities client certificates are checked against; undefined: none is asked for. */
  readonly clientAuthorities: string | undefined;
  readonly clientCertificates: "off" | "optional" | "require";
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  readonly ciphers: string | undefined;
  readonly handshakeTimeoutMs: number;
}

export interface ClientTls {
  /** Checked against the certificate and sent as SNI. */
  readonly serverName: string;
  /** PEM of the trusted authorities; undefined: the system's. */
  readonly authorities: string | undefined;
  /** False accepts any certificate (opportunistic encryption). */
  readonly verify: boolean;
  readonly client: CertificatePair | undefined;
  readonly handshakeTimeoutMs: number;
}
