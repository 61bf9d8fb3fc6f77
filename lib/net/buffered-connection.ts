// Everything a Connection promises that does not depend on how bytes travel: who receives, back-pressure, idle time,
// closing without loss. socket.ts and pair.ts add the transport below it. Kept lean: a frontend holds tens of thousands.

import { type Clock, systemClock, type Timer } from "../base/clock.ts";
import { Compression, stepsPerTurn } from "./compression.ts";
import type { ClientTls, CloseReason, Connection, Endpoint, Receiver, ServerTls, TlsState } from "./connection.ts";
import { flushSoon } from "./flush-soon.ts";
import { type Idler, type IdleWheel, systemIdleWheel } from "./idle-wheel.ts";
import { WriteQueue } from "./write-queue.ts";

/** More than this waiting makes `write` answer false; as much unread stops reading while there is no receiver. */
export const highWaterBytes = 64 * 1024;
/** Above this a write does not wait for the end of the turn: bulk goes out as it comes. */
const promptBytes = 16 * 1024;
/** How long `close` may take to send what was written. */
const closeDeadlineMs = 10_000;

type Phase = "open" | "closing" | "closed";

export abstract class BufferedConnection implements Connection, Idler {
  abstract readonly remote: Endpoint;
  abstract readonly local: Endpoint;
  abstract readonly peerUserId: number | undefined;
  abstract readonly tls: TlsState | undefined;

  idleMs = 0;
  lastHeardMs = 0;
  dueMs = 0;

  readonly #queue = new WriteQueue();
  #receiver: Receiver | undefined;
  #unread: Uint8Array[] | undefined;
  #phase: Phase = "open";
  #reason: CloseReason | undefined;
  #isPaused = false;
  #isHeld = false;
  #isBlocked = false;
  #isDirty = false;
  #owesDrained = false;
  #hasPeerEnded = false;
  #isEndTold = false;
  #waiters: (() => void)[] | undefined;
  #deadline: Timer | undefined;
  #compression: Compression | undefined;

  /** Hands bytes to the transport, which keeps no reference; answers how many it took, or -1 when it is gone. */
  protected abstract put(bytes: Uint8Array): number;
  protected abstract setReading(isReading: boolean): void;
  /** Ends our direction in an orderly way; the transport then lingers on its own until the peer has ended too. */
  protected abstract endOutput(): void;
  /** Ends both directions at once. */
  protected abstract abandon(): void;
  abstract startTlsServer(context: ServerTls): Promise<TlsState>;
  abstract startTlsClient(context: ClientTls): Promise<TlsState>;

  constructor(
    protected readonly clock: Clock = systemClock,
    readonly wheel: IdleWheel = systemIdleWheel,
  ) {}

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  get pendingBytes(): number {
    return this.#queue.size + (this.#compression?.waiting ?? 0);
  }

  get isCompressed(): boolean {
    return this.#compression !== undefined;
  }

  protected get hasPeerEnded(): boolean {
    return this.#hasPeerEnded;
  }

  attach(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#isEndTold = false;
    if (this.#unread || this.#reason || this.#hasPeerEnded) this.#deliverSoon();
    else if (this.#isReadingWanted()) this.setReading(true);
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#phase !== "open") return false;
    (this.#compression ?? this.#queue).append(bytes);
    if (this.pendingBytes >= promptBytes) this.#flush();
    else if (!this.#isDirty) {
      this.#isDirty = true;
      flushSoon(this);
    }
    if (this.pendingBytes <= highWaterBytes) return true;
    this.#owesDrained = true;
    return false;
  }

  drained(): Promise<void> {
    if (!this.isOpen || this.pendingBytes < highWaterBytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters ??= [];
      this.#waiters.push(resolve);
    });
  }

  pause(): void {
    if (this.#isPaused || this.#phase !== "open") return;
    this.#isPaused = true;
    this.setReading(false);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#unread || this.#hasPeerEnded) this.#deliverSoon();
    else if (this.isOpen) this.setReading(true);
  }

  startCompression(received?: Uint8Array): void {
    if (this.#compression) throw new Error("Compression is already active");
    if (this.#phase !== "open") return;
    this.#compression = new Compression();
    if (!received || received.length === 0) return;
    this.#unread ??= [];
    this.#unread.unshift(received);
    this.#deliverSoon();
  }

  setIdleTimeout(idleMs: number): void {
    if (this.#phase !== "open") return;
    this.idleMs = idleMs;
    this.lastHeardMs = this.wheel.now();
    this.wheel.watch(this);
  }

  wentIdle(): void {
    if (this.#phase !== "open") return;
    if (this.#receiver?.idle) {
      this.#receiver.idle();
      if (this.isOpen && this.dueMs === 0) this.setIdleTimeout(this.idleMs);
      return;
    }
    this.#finish({ kind: "timeout" });
    this.abandon();
  }

  close(): void {
    this.#closeWith({ kind: "local" });
  }

  destroy(): void {
    this.#finish({ kind: "local" });
    this.abandon();
  }

  // What the transport reports.

  /** Bytes have come. They belong to us from now on. */
  protected received(bytes: Uint8Array): void {
    if (this.#phase !== "open") return;
    if (this.idleMs > 0) this.lastHeardMs = this.wheel.now();
    if (this.#receiver && !this.#isPaused && !this.#isHeld && !this.#unread) {
      this.#hand(bytes);
      return;
    }
    this.#unread ??= [];
    this.#unread.push(bytes);
    if (!this.#receiver && this.#unread.length > 1 && sizeOf(this.#unread) > highWaterBytes) this.setReading(false);
  }

  /** The transport can take more. */
  protected writable(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#flush();
  }

  /** The peer sends no more. */
  protected peerEnded(): void {
    if (this.#hasPeerEnded) return;
    this.#hasPeerEnded = true;
    if (this.#phase === "open") this.#deliverSoon();
  }

  /** The transport is gone. */
  protected gone(error: Error | undefined): void {
    this.#finish(error ? { kind: "error", error } : { kind: "peer" });
  }

  /** Gives up because of `error`. */
  protected fail(error: Error): void {
    this.#finish({ kind: "error", error });
    this.abandon();
  }

  /** Throws away what came and was not received, and holds what comes back until `release`. For the start of TLS. */
  protected discardAndHold(): void {
    if (this.#compression) throw new Error("Compression is already active");
    this.#unread = undefined;
    this.#isHeld = true;
  }

  protected release(): void {
    this.#isHeld = false;
    this.#deliverUnread();
  }

  /** Sends what was written; false when the kernel does not take all of it now. */
  protected flushNow(): boolean {
    this.#flush();
    return this.pendingBytes === 0;
  }

  /** Resolves when everything written is with the kernel, or the connection is no longer open. */
  protected async allSent(): Promise<void> {
    while (this.isOpen && this.pendingBytes > 0) {
      await new Promise<void>((resolve) => {
        this.#waiters ??= [];
        this.#waiters.push(resolve);
      });
    }
  }

  /** For the shared flush at the end of a turn. */
  flushDirty(): void {
    this.#isDirty = false;
    if (this.#phase !== "closed") this.#flush();
  }

  #flush(): void {
    if (this.#isBlocked) return;
    const sentAll = this.#compression ? this.#flushCompressed(this.#compression) : this.#flushQueue();
    this.#isBlocked = !sentAll;
    if (this.pendingBytes < highWaterBytes) this.#wake();
    if (!sentAll) return;
    if (this.#phase === "closing") this.#endNow();
    else if (this.#owesDrained) {
      this.#owesDrained = false;
      this.#receiver?.drained?.();
    }
  }

  #flushQueue(): boolean {
    return this.#queue.flush((bytes) => this.put(bytes));
  }

  /** Compresses no further ahead than the kernel takes, and no longer than the others can wait. */
  #flushCompressed(compression: Compression): boolean {
    for (let step = 0; this.#flushQueue(); step += 1) {
      if (step === stepsPerTurn) {
        setImmediate(() => this.writable());
        return false;
      }
      if (!compression.deflateInto(this.#queue)) return true;
    }
    return false;
  }

  #wake(): void {
    const waiters = this.#waiters;
    if (!waiters) return;
    this.#waiters = undefined;
    for (const resolve of waiters) resolve();
  }

  #closeWith(reason: CloseReason): void {
    if (this.#phase !== "open") return;
    this.#phase = "closing";
    this.#reason = reason;
    this.wheel.forget(this);
    this.#unread = undefined;
    this.#wake();
    if (this.#isPaused) this.setReading(true);
    this.#flush();
    if (!this.#isBlocked) return;
    this.#deadline = this.clock.after(closeDeadlineMs, () => {
      this.#finish(reason);
      this.abandon();
    });
  }

  #endNow(): void {
    this.#finish(this.#reason ?? { kind: "local" });
    this.endOutput();
  }

  #finish(reason: CloseReason): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#reason ??= reason;
    this.wheel.forget(this);
    this.#deadline?.cancel();
    this.#deadline = undefined;
    this.#queue.clear();
    this.#compression?.dropOutput();
    // What the peer sent before it closed is still delivered; in all other cases nobody wants it any more.
    if (reason.kind !== "peer") this.#unread = undefined;
    this.#wake();
    this.#deliverSoon();
  }

  #isReadingWanted(): boolean {
    return !this.#isPaused && this.#phase === "open";
  }

  #hand(bytes: Uint8Array): void {
    try {
      if (this.#compression) this.#handInflated(bytes, this.#compression);
      else this.#receiver?.receive(bytes);
    } catch (fault) {
      this.fail(fault instanceof Error ? fault : new Error(String(fault)));
    }
  }

  /** In steps: a receiver that pauses gets no more, and a peer whose few bytes hold megabytes gets no more than a turn. */
  #handInflated(bytes: Uint8Array, compression: Compression): void {
    let rest: Uint8Array | undefined = bytes;
    for (let step = 0; rest && step < stepsPerTurn; step += 1) {
      const inflated = compression.inflate(rest);
      rest = inflated.rest;
      if (inflated.plain.length > 0) this.#receiver?.receive(inflated.plain);
      if (!this.#isInputWanted()) return;
      if (this.#isPaused) break;
    }
    if (!rest) return;
    this.#unread ??= [];
    this.#unread.unshift(rest);
    if (this.#isPaused) return;
    this.#isHeld = true;
    this.setReading(false);
    setImmediate(() => this.release());
  }

  #isInputWanted(): boolean {
    return this.#phase === "open" || this.#reason?.kind === "peer";
  }

  #deliverSoon(): void {
    queueMicrotask(() => this.#deliverUnread());
  }

  #deliverUnread(): void {
    while (this.#unread && this.#receiver && !this.#isPaused && !this.#isHeld) {
      const bytes = this.#unread.shift();
      if (this.#unread.length === 0) this.#unread = undefined;
      if (bytes) this.#hand(bytes);
    }
    if (this.#unread || !this.#receiver || this.#isHeld) return;
    if (this.#phase === "closed") this.#tellClosed();
    else if (this.#hasPeerEnded && !this.#isPaused) this.#tellEnded();
    else if (this.#isReadingWanted()) this.setReading(true);
  }

  #tellEnded(): void {
    if (this.#isEndTold || this.#phase !== "open") return;
    this.#isEndTold = true;
    if (this.#receiver?.ended) this.#receiver.ended();
    else this.#closeWith({ kind: "peer" });
  }

  #tellClosed(): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#compression?.close();
    if (receiver && this.#reason) receiver.closed(this.#reason);
  }
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  return size;
}
