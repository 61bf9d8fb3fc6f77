// Two ends of a connection in memory. Bytes arrive in a later microtask, as from a socket; `stall` makes an end take
// nothing for a while, so that its peer feels back-pressure.

import { fromLatin1 } from "../../lib/base/bytes.ts";
import type { CloseReason, Connection, Receiver } from "../../lib/net/connection.ts";

const highWater = 64 * 1024;

export class MemoryConnection implements Connection {
  readonly remote = { host: "127.0.0.1", port: 4000 };
  readonly local = { host: "127.0.0.1", port: 3905 };
  readonly peerUserId = undefined;
  readonly tls = undefined;
  isOpen = true;
  peer: MemoryConnection | undefined;
  #receiver: Receiver | undefined;
  #inbox: Uint8Array[] = [];
  #isPaused = false;
  #isPumping = false;
  #ended: CloseReason | undefined;
  #drainWaiters: (() => void)[] = [];

  /** Bytes sent and not yet received. */
  get pendingBytes(): number {
    return this.peer?.waitingBytes ?? 0;
  }

  get waitingBytes(): number {
    return this.#inbox.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  attach(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#pump();
  }

  write(bytes: Uint8Array | string): boolean {
    if (!this.isOpen || !this.peer) return false;
    this.peer.#inbox.push(typeof bytes === "string" ? fromLatin1(bytes) : bytes.slice());
    this.peer.#pump();
    return this.pendingBytes <= highWater;
  }

  drained(): Promise<void> {
    if (!this.isOpen || this.pendingBytes <= highWater) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push(resolve);
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#pump();
  }

  /** This end stops taking bytes, or goes on. */
  stall(isStalled: boolean): void {
    if (isStalled) this.pause();
    else this.resume();
  }

  startTlsServer(): never {
    throw new Error("no TLS in memory");
  }

  startTlsClient(): never {
    throw new Error("no TLS in memory");
  }

  setIdleTimeout(): void {}

  close(): void {
    if (!this.isOpen) return;
    if (this.peer) this.peer.#end({ kind: "peer" });
    this.#end({ kind: "local" });
  }

  destroy(): void {
    this.close();
  }

  #end(reason: CloseReason): void {
    if (this.#ended) return;
    this.#ended = reason;
    if (reason.kind === "local") this.isOpen = false;
    for (const wake of this.#drainWaiters.splice(0)) wake();
    this.#pump();
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      while (!this.#isPaused && this.#receiver && this.#inbox.length > 0) {
        const bytes = this.#inbox.shift()!;
        this.#receiver.receive(bytes);
        if (this.peer) this.peer.#wakeIfDrained();
      }
      if (!this.#ended || !this.#receiver || (this.#inbox.length > 0 && this.isOpen)) return;
      const receiver = this.#receiver;
      this.#receiver = undefined;
      this.isOpen = false;
      receiver.closed(this.#ended);
    });
  }

  #wakeIfDrained(): void {
    if (this.pendingBytes > highWater) return;
    for (const wake of this.#drainWaiters.splice(0)) wake();
  }
}

export function memoryPair(): [MemoryConnection, MemoryConnection] {
  const one = new MemoryConnection();
  const other = new MemoryConnection();
  one.peer = other;
  other.peer = one;
  return [one, other];
}
