// A receiver that keeps what it got and lets a test wait for it.

import type { CloseReason, Connection, Receiver } from "../../lib/net/connection.ts";

export class RecordingReceiver implements Receiver {
  readonly chunks: Buffer[] = [];
  readonly closes: CloseReason[] = [];
  drains = 0;
  idles = 0;
  size = 0;
  #waiting: { isMet: () => boolean; resolve: () => void }[] = [];

  constructor(readonly connection: Connection) {
    connection.attach(this);
  }

  receive(bytes: Uint8Array): void {
    this.chunks.push(Buffer.from(bytes));
    this.size += bytes.length;
    this.#check();
  }

  closed(reason: CloseReason): void {
    this.closes.push(reason);
    this.#check();
  }

  drained(): void {
    this.drains += 1;
    this.#check();
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  /** Resolves when the text so far contains `part`. */
  async until(part: string): Promise<string> {
    await this.untilTrue(() => this.text.includes(part));
    return this.text;
  }

  async untilSize(size: number): Promise<void> {
    await this.untilTrue(() => this.size >= size);
  }

  async untilClosed(): Promise<CloseReason> {
    await this.untilTrue(() => this.closes.length > 0);
    return this.closes[0]!;
  }

  untilTrue(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  #check(): void {
    const met = this.#waiting.filter((each) => each.isMet());
    this.#waiting = this.#waiting.filter((each) => !met.includes(each));
    for (const each of met) each.resolve();
  }
}
