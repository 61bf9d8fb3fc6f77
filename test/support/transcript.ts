// What one end of a connection hears, for conversations in tests.

import type { Connection, Receiver } from "../../lib/net/connection.ts";

/** Collects what a connection receives as latin1 text, and waits for parts of it. */
export class Transcript implements Receiver {
  text = "";
  isClosed = false;
  #waiters: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  constructor(connection: Connection) {
    connection.attach(this);
  }

  receive(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString("latin1");
    this.#check();
  }

  closed(): void {
    this.isClosed = true;
    this.#check();
  }

  /** Waits until `end` has come and returns (and forgets) everything up to its end. */
  async upTo(end: string): Promise<string> {
    await this.#until(() => this.text.includes(end) || this.isClosed);
    const at = this.text.indexOf(end);
    if (at < 0) throw new Error(`Closed before ${JSON.stringify(end)}: ${JSON.stringify(this.text)}`);
    const taken = this.text.slice(0, at + end.length);
    this.text = this.text.slice(at + end.length);
    return taken;
  }

  async untilClosed(): Promise<string> {
    await this.#until(() => this.isClosed);
    return this.text;
  }

  #until(until: () => boolean): Promise<void> {
    if (until()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ until, resolve });
    });
  }

  #check(): void {
    const ready = this.#waiters.filter((waiter) => waiter.until());
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const waiter of ready) waiter.resolve();
  }
}
