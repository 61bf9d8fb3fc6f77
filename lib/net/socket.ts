// TCP and unix sockets on Bun's own transport, in the clear and under TLS. Opened by listen.ts and connect.ts.

import type { Socket, SocketHandler } from "bun";
import type { Timer } from "../base/clock.ts";
import { BufferedConnection } from "./buffered-connection.ts";
import type { ClientTls, Endpoint, ServerTls, TlsState } from "./connection.ts";
import { peerUserId } from "./peer-user.ts";
import { waitForProxyHeader } from "./proxy-header-wait.ts";
import { clientFault, isCertificateFault, SocketTlsState, upgradeAsClient, upgradeAsServer } from "./tls-socket.ts";

/** How long a socket whose output we ended waits for the peer's end; closing at once could destroy data on its way. */
const lingerMs = 2_000;
const keepAliveMs = 60_000;

interface Handshake {
  readonly judge: (
    socket: Socket<unknown>,
    verifyError: Error | null,
  ) => { fault: Error } | { isPeerVerified: boolean };
  readonly resolve: (state: TlsState) => void;
  readonly reject: (fault: Error) => void;
  readonly deadline: Timer;
}

export class SocketConnection extends BufferedConnection {
  readonly #unixPath: string | undefined;
  #remote: Endpoint;
  #socket: Socket<SocketConnection>;
  #tls: SocketTlsState | undefined;
  #handshake: Handshake | undefined;
  #linger: Timer | undefined;

  /** `unixPath` is set for unix sockets. */
  constructor(socket: Socket<SocketConnection>, unixPath: string | undefined) {
    super();
    this.#socket = socket;
    this.#unixPath = unixPath;
    if (unixPath !== undefined) {
      this.#remote = { host: unixPath, port: 0 };
      return;
    }
    this.#remote = { host: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
  }

  get remote(): Endpoint {
    return this.#remote;
  }

  /** Asked of the kernel each time: hardly anybody wants to know. */
  get local(): Endpoint {
    if (this.#unixPath !== undefined) return { host: this.#unixPath, port: 0 };
    return { host: plainAddress(this.#socket.localAddress), port: this.#socket.localPort ?? 0 };
  }

  /**
   * Takes the PROXY protocol's header, which must come before anything else; from then on `remote` is whom it names. To be
   * called when the socket was just accepted. Rejects when it does not come as it should; the connection is then closed.
   */
  async takeProxyHeader(timeoutMs: number): Promise<void> {
    this.pause();
    try {
      const fd = () => (this.isOpen ? fdOf(this.#socket) : undefined);
      const { source } = await waitForProxyHeader({ clock: this.clock, fd }, timeoutMs);
      if (source) this.#remote = source;
      this.resume();
    } catch (fault) {
      this.destroy();
      throw fault;
    }
  }

  get tls(): TlsState | undefined {
    return this.#tls;
  }

  get peerUserId(): number | undefined {
    return this.#unixPath !== undefined ? peerUserId(fdOf(this.#socket)) : undefined;
  }

  startTlsServer(context: ServerTls): Promise<TlsState> {
    return this.#startTls(
      context.handshakeTimeoutMs,
      () => upgradeAsServer(this.#socket, this, tlsHandlers, context),
      (_socket, verifyError) =>
        context.clientCertificates === "require" && verifyError !== null
          ? { fault: verifyError }
          : { isPeerVerified: context.clientCertificates !== "off" && verifyError === null },
    );
  }

  startTlsClient(context: ClientTls): Promise<TlsState> {
    return this.#startTls(
      context.handshakeTimeoutMs,
      () => upgradeAsClient(this.#socket, this, tlsHandlers, context),
      (socket, verifyError) => {
        const fault = clientFault(socket, context, verifyError);
        return fault ? { fault } : { isPeerVerified: context.verify };
      },
    );
  }

  async #startTls(
    timeoutMs: number,
    upgrade: () => Socket<SocketConnection>,
    judge: Handshake["judge"],
  ): Promise<TlsState> {
    if (this.#tls || this.#handshake) throw new Error("TLS is already active");
    // Without a pause here when nothing waits: the peer's first TLS bytes must meet the upgraded socket.
    if (!this.flushNow()) await this.allSent();
    if (!this.isOpen) throw new Error("The connection is closed");
    this.discardAndHold();
    const outcome = Promise.withResolvers<TlsState>();
    const deadline = this.clock.after(timeoutMs, () => this.#handshakeFailed(new Error("the TLS handshake timed out")));
    this.#handshake = { judge, resolve: outcome.resolve, reject: outcome.reject, deadline };
    try {
      this.setReading(true);
      this.#socket = upgrade();
    } catch (fault) {
      this.#handshakeFailed(fault instanceof Error ? fault : new Error(String(fault)));
    }
    return outcome.promise;
  }

  /** Called by the TLS socket when the handshake is over, one way or the other. */
  handshakeEnded(socket: Socket<SocketConnection>, isSuccess: boolean, verifyError: Error | null): void {
    const handshake = this.#handshake;
    if (!handshake) return;
    const isCompleted = isSuccess || isCertificateFault(verifyError);
    const verdict = isCompleted
      ? handshake.judge(socket, verifyError)
      : { fault: verifyError ?? new Error("the TLS handshake failed") };
    if ("fault" in verdict) {
      this.#handshakeFailed(verdict.fault);
      return;
    }
    handshake.deadline.cancel();
    this.#handshake = undefined;
    this.#tls = new SocketTlsState(socket, verdict.isPeerVerified);
    handshake.resolve(this.#tls);
    // Whoever awaits the handshake goes first, then what came with its last bytes is delivered.
    setImmediate(() => this.release());
  }

  #handshakeFailed(fault: Error): void {
    const handshake = this.#handshake;
    if (!handshake) return;
    handshake.deadline.cancel();
    this.#handshake = undefined;
    handshake.reject(fault);
    this.release();
    this.fail(fault);
  }

  // What Bun's sockets report. `isPlain` events of an upgraded connection are the ciphertext below: not for us.

  socketData(bytes: Uint8Array, isPlain: boolean): void {
    if (isPlain && this.#isUpgraded) return;
    this.received(bytes);
  }

  socketDrain(isPlain: boolean): void {
    if (isPlain && this.#isUpgraded) return;
    this.writable();
  }

  socketEnd(isPlain: boolean): void {
    if (isPlain && this.#isUpgraded) return;
    if (this.#handshake) this.#handshakeFailed(new Error("the peer closed during the TLS handshake"));
    else if (this.#linger) this.abandon();
    else this.peerEnded();
  }

  socketClosed(error: Error | undefined): void {
    this.#linger?.cancel();
    this.#linger = undefined;
    if (this.#handshake) this.#handshakeFailed(error ?? new Error("the peer closed during the TLS handshake"));
    this.gone(error);
  }

  socketFailed(error: Error): void {
    this.#handshakeFailed(error);
    this.fail(error);
  }

  get #isUpgraded(): boolean {
    return this.#tls !== undefined || this.#handshake !== undefined;
  }

  protected put(bytes: Uint8Array): number {
    return this.#socket.write(bytes);
  }

  protected setReading(isReading: boolean): void {
    if (isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  protected endOutput(): void {
    if (this.hasPeerEnded) {
      this.#socket.end();
      return;
    }
    this.#linger = this.clock.after(lingerMs, () => this.abandon());
    this.#socket.shutdown();
  }

  protected abandon(): void {
    this.#linger?.cancel();
    this.#linger = undefined;
    this.#socket.terminate();
  }
}

/** Shared by all sockets of a kind: a connection carries no closures of its own. */
function handlersFor(isPlain: boolean): SocketHandler<SocketConnection> {
  return {
    data: (socket, bytes) => socket.data?.socketData(bytes, isPlain),
    drain: (socket) => socket.data?.socketDrain(isPlain),
    end: (socket) => socket.data?.socketEnd(isPlain),
    close: (socket, error) => socket.data?.socketClosed(error),
    error: (socket, error) => socket.data?.socketFailed(error),
  };
}

export const plainHandlers = handlersFor(true);

const tlsHandlers: SocketHandler<SocketConnection> = {
  ...handlersFor(false),
  handshake: (socket, isSuccess, verifyError) => socket.data?.handshakeEnded(socket, isSuccess, verifyError),
};

/** Bun's sockets know their descriptor; its types do not. -1 after closing. */
function fdOf(socket: object): number {
  return "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
}

/** IPv4 peers of a dual-stack listener without the IPv6 prefix; a peer that is already gone has no address any more. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
