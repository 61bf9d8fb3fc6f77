// Two connected ends in memory, with the semantics of sockets: for tests of everything above the net layer. TLS on a pair
// is only pretended: both sides agree, and both say so.

import { type Clock, systemClock } from "../base/clock.ts";
import { BufferedConnection } from "./buffered-connection.ts";
import type { ClientTls, Connection, Endpoint, ServerTls, TlsState } from "./connection.ts";
import { IdleWheel, systemIdleWheel } from "./idle-wheel.ts";

/** What one direction holds before the writer is told to wait, like a kernel's socket buffer. */
const pipeBytes = 256 * 1024;

const endpoints = [
  { host: "pair", port: 1 },
  { host: "pair", port: 2 },
] as const;

/** The first is by convention the server's end. */
export function connectionPair(clock: Clock = systemClock): [Connection, Connection] {
  const wheel = clock === systemClock ? systemIdleWheel : new IdleWheel(clock);
  const a = new PairEnd(endpoints[0], endpoints[1], clock, wheel);
  const b = new PairEnd(endpoints[1], endpoints[0], clock, wheel);
  a.join(b);
  b.join(a);
  return [a, b];
}

class PairEnd extends BufferedConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly peerUserId = undefined;
  #peer: PairEnd | undefined;
  #tls: TlsState | undefined;
  #wantsTls: ((state: TlsState) => void) | undefined;
  #refuseTls: ((fault: Error) => void) | undefined;
  #isReading = true;
  #isArriving = false;
  /** On their way to this end. */
  #inFlight: Uint8Array[] = [];
  #inFlightBytes = 0;
  #isEndInFlight = false;

  constructor(local: Endpoint, remote: Endpoint, clock: Clock, wheel: IdleWheel) {
    super(clock, wheel);
    this.local = local;
    this.remote = remote;
  }

  get tls(): TlsState | undefined {
    return this.#tls;
  }

  join(peer: PairEnd): void {
    this.#peer = peer;
  }

  startTlsServer(_context: ServerTls): Promise<TlsState> {
    return this.#startTls(undefined);
  }

  startTlsClient(context: ClientTls): Promise<TlsState> {
    return this.#startTls(context.serverName);
  }

  async #startTls(serverName: string | undefined): Promise<TlsState> {
    if (this.#tls || this.#wantsTls) throw new Error("TLS is already active");
    if (!this.flushNow()) await this.allSent();
    if (!this.isOpen) throw new Error("The connection is closed");
    this.discardAndHold();
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    const outcome = Promise.withResolvers<TlsState>();
    this.#wantsTls = outcome.resolve;
    this.#refuseTls = outcome.reject;
    const peer = this.#peer;
    const state = pretendedState(serverName ?? peer?.askedName);
    this.askedName = serverName;
    if (peer !== undefined && peer.#wantsTls !== undefined) {
      this.#established(state);
      peer.#established(state);
    }
    return outcome.promise;
  }

  /** The server name this end asked for, until the other end agrees. */
  askedName: string | undefined;

  #established(state: TlsState): void {
    this.#tls = state;
    this.#wantsTls?.(state);
    this.#wantsTls = this.#refuseTls = undefined;
    setImmediate(() => this.release());
  }

  protected put(bytes: Uint8Array): number {
    const peer = this.#peer;
    if (!peer) return -1;
    const room = Math.max(0, pipeBytes - peer.#inFlightBytes);
    const taken = Math.min(room, bytes.length);
    if (taken > 0) {
      peer.#inFlight.push(Uint8Array.prototype.slice.call(bytes, 0, taken));
      peer.#inFlightBytes += taken;
      peer.#arriveSoon();
    }
    return taken;
  }

  protected setReading(isReading: boolean): void {
    this.#isReading = isReading;
    if (isReading) this.#arriveSoon();
  }

  protected endOutput(): void {
    const peer = this.#peer;
    if (!peer) return;
    peer.#isEndInFlight = true;
    peer.#arriveSoon();
  }

  protected abandon(): void {
    const peer = this.#peer;
    this.#peer = undefined;
    this.#refuseTls?.(new Error("the connection was closed during the TLS handshake"));
    if (!peer) return;
    peer.#peer = undefined;
    peer.#isEndInFlight = true;
    peer.#arriveSoon();
  }

  #arriveSoon(): void {
    if (this.#isArriving) return;
    this.#isArriving = true;
    setImmediate(() => this.#arrive());
  }

  #arrive(): void {
    this.#isArriving = false;
    while (this.#isReading || !this.isOpen) {
      const bytes = this.#inFlight.shift();
      if (!bytes) break;
      this.#inFlightBytes -= bytes.length;
      this.received(bytes);
    }
    this.#peer?.writable();
    if (this.#inFlight.length > 0 || !this.#isEndInFlight) return;
    this.#refuseTls?.(new Error("the peer closed during the TLS handshake"));
    if (this.#peer) this.peerEnded();
    else this.gone(undefined);
  }
}

function pretendedState(serverName: string | undefined): TlsState {
  return { protocol: "TLSv1.3", cipher: "pretended", serverName, peerCertificate: undefined, exporter: undefined };
}
