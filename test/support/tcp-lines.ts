// A TCP connection to a real server for tests, read by lines and counted octets, as latin1. Every wait has a deadline.

import { connect, type Socket } from "node:net";

const usualWaitMs = 20_000;

export class TcpLines {
  readonly #socket: Socket;
  readonly #waitMs: number;
  #received: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket, waitMs: number) {
    this.#socket = socket;
    this.#waitMs = waitMs;
    socket.on("data", (bytes: Buffer) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** `address` is "host:port". No wait for an answer is longer than `waitMs`. */
  static async open(address: string, waitMs = usualWaitMs): Promise<TcpLines> {
    const colon = address.lastIndexOf(":");
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), noDelay: true });
    const opened = Promise.withResolvers<void>();
    socket.once("connect", opened.resolve);
    socket.once("error", opened.reject);
    await opened.promise;
    return new TcpLines(socket, waitMs);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Octets that have come and were not taken. */
  get hasMore(): boolean {
    return this.#received.length > 0;
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
  }

  /** The next line without its end. */
  async line(): Promise<string> {
    let searched = 0;
    for (;;) {
      const end = this.#received.indexOf("\r\n", searched, "latin1");
      if (end >= 0) return this.#take(end + 2).slice(0, -2);
      searched = Math.max(0, this.#received.length - 1);
      await this.#more();
    }
  }

  async octets(count: number): Promise<string> {
    while (this.#received.length < count) await this.#more();
    return this.#take(count);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(count: number): string {
    const text = this.#received.toString("latin1", 0, count);
    this.#received = this.#received.subarray(count);
    return text;
  }

  async #more(): Promise<void> {
    if (this.#isClosed)
      throw new Error(`closed by the server, left: ${JSON.stringify(this.#received.toString("latin1"))}`);
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    const late = () => woken.reject(new Error(`no answer for ${this.#waitMs / 1000} s`));
    const deadline = setTimeout(late, this.#waitMs);
    await woken.promise.finally(() => clearTimeout(deadline));
  }
}
