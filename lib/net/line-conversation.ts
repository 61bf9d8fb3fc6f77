// The client's side of a protocol of lines (LMTP, POP3): waits for the peer's lines one by one, each with its deadline.

import { type Clock, systemClock } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { CloseReason, Connection, Receiver } from "./connection.ts";
import { LineReader, overlongLine } from "./line-reader.ts";

const maxLine = 64 * 1024;

export class LineConversation implements Receiver {
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #reader = new LineReader(maxLine);
  #waiter: PromiseWithResolvers<string> | undefined;
  #failure: string | undefined;
  /** Called once when the connection is over and nobody waits for a line. */
  onLost: (() => void) | undefined;

  constructor(connection: Connection, clock: Clock = systemClock) {
    this.connection = connection;
    this.#clock = clock;
    connection.attach(this);
  }

  get isOpen(): boolean {
    return this.#failure === undefined && this.connection.isOpen;
  }

  /** Bytes have come that nobody asked for. */
  get hasUnread(): boolean {
    return this.#reader.buffered > 0;
  }

  /** The next line, without its end. Rejects with No("UNAVAILABLE"); after a deadline the connection is gone. */
  async next(deadlineMs: number): Promise<string> {
    const waiter = Promise.withResolvers<string>();
    this.#waiter = waiter;
    const timer = this.#clock.after(deadlineMs, () => {
      this.#fail("did not answer in time");
      this.connection.destroy();
    });
    try {
      this.#offer();
      return await waiter.promise;
    } finally {
      timer.cancel();
    }
  }

  /** What was received and not read. */
  takeRest(): Uint8Array {
    return this.#reader.takeRest();
  }

  receive(bytes: Uint8Array): void {
    this.#reader.feed(bytes);
    this.#offer();
  }

  closed(reason: CloseReason): void {
    this.#fail(reason.kind === "error" ? describeFault(reason.error) : "closed the connection");
    this.onLost?.();
  }

  #fail(why: string): void {
    this.#failure ??= why;
    this.#offer();
  }

  #offer(): void {
    const waiter = this.#waiter;
    if (!waiter) return;
    const line = this.#reader.next();
    if (line === undefined && this.#failure === undefined) return;
    this.#waiter = undefined;
    if (typeof line === "string") waiter.resolve(line);
    else waiter.reject(new No("UNAVAILABLE", line === overlongLine ? "sends no lines" : (this.#failure ?? "")));
  }
}
