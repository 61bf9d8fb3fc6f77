// The load's end of a connection: a raw socket that looks for the lines that end a command and counts the rest. It follows
// literals and parses nothing, so that it costs as little as can be next to the server it measures.

import type { Socket } from "bun";

export type Protocol = "imap" | "mupdate" | "lmtp";

const lineFeed = 0x0a;
const deadlineMs = 60_000;

export class Wire {
  readonly #protocol: Protocol;
  #socket!: Socket<undefined>;
  #held: Buffer | undefined;
  #literalLeft = 0;
  /** The next line goes on with a response that a literal interrupted. */
  #isContinued = false;
  #unsent: Uint8Array[] = [];
  readonly #finals: string[] = [];
  readonly #waiting: PromiseWithResolvers<string>[] = [];
  #isClosed = false;
  #isGreeted = false;
  /** Octets that came. */
  received = 0;
  /** Lines that ended no command. */
  lines = 0;
  /** Those of them with one of `keywords` in them. */
  readonly heard: string[] = [];
  keywords: readonly string[] = [];

  private constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  static async connect(address: string, protocol: Protocol): Promise<Wire> {
    const colon = address.lastIndexOf(":");
    const wire = new Wire(protocol);
    wire.#socket = await Bun.connect({
      hostname: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      socket: {
        data: (_socket, bytes) => wire.#receive(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
        drain: () => wire.#flush(),
        close: () => wire.#closed(),
      },
    });
    wire.#socket.setNoDelay(true);
    return wire;
  }

  send(bytes: string | Uint8Array): void {
    this.#unsent.push(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    if (this.#unsent.length === 1) this.#flush();
  }

  /** The next line that ends a command, or asks to go on ("+ …"). IMAP's and MUPDATE's greetings count too. */
  next(): Promise<string> {
    const line = this.#finals.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#isClosed) return Promise.reject(new Error("the server closed the connection"));
    const waiting = Promise.withResolvers<string>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** Sends a command and returns its last line; throws when it is refused. */
  async run(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    const line = await this.next();
    if (!isGood(line)) throw new Error(`"${command.slice(0, 80)}" was answered "${line}"`);
    return line;
  }

  close(): void {
    this.#socket.end();
  }

  #flush(): void {
    for (let first = this.#unsent[0]; first; first = this.#unsent[0]) {
      const taken = Math.max(0, this.#socket.write(first));
      if (taken < first.length) {
        this.#unsent[0] = first.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
  }

  #closed(): void {
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error("the server closed the connection"));
  }

  #receive(chunk: Buffer): void {
    this.received += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      if (this.#literalLeft > 0) {
        const taken = Math.min(this.#literalLeft, chunk.length - at);
        this.#literalLeft -= taken;
        at += taken;
        continue;
      }
      const end = chunk.indexOf(lineFeed, at);
      if (end < 0) {
        const piece = Buffer.from(chunk.subarray(at));
        this.#held = this.#held ? Buffer.concat([this.#held, piece]) : piece;
        return;
      }
      const piece = chunk.subarray(at, end + 1);
      this.#line(this.#held ? Buffer.concat([this.#held, piece]) : piece);
      this.#held = undefined;
      at = end + 1;
    }
  }

  #line(line: Buffer): void {
    const isContinued = this.#isContinued;
    this.#isContinued = false;
    if (this.#protocol !== "lmtp" && line[line.length - 3] === 0x7d /* } */) {
      const found = /\{(\d+)\+?\}\r\n$/.exec(line.toString("latin1"));
      if (found) {
        this.#literalLeft = Number(found[1]);
        this.#isContinued = true;
      }
    }
    if (isContinued) return;
    if (!this.#isFinal(line)) {
      this.lines += 1;
      if (this.keywords.some((keyword) => line.includes(keyword))) this.heard.push(line.toString("latin1"));
      return;
    }
    const text = line.toString("latin1", 0, line.length - 2);
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(text);
    else this.#finals.push(text);
  }

  #isFinal(line: Buffer): boolean {
    if (this.#protocol === "lmtp") return line[3] !== 0x2d /* - */;
    if (line[0] === 0x2b /* + */) return true;
    if (line[0] === 0x2a /* * */) {
      const isGreeting = !this.#isGreeted && line[2] === 0x4f /* O of OK */;
      if (isGreeting) this.#isGreeted = true;
      return isGreeting;
    }
    const space = line.indexOf(0x20);
    return /^(OK|NO|BAD)\b/.test(line.toString("latin1", space + 1, space + 4));
  }
}

export function isGood(line: string): boolean {
  return /^(\+|[23]\d\d|\S+ OK\b)/.test(line);
}

/** Ends the process when a server says nothing any more: a load never hangs. */
export function armDeadline(ms = deadlineMs): void {
  setTimeout(() => {
    console.error(`no end after ${ms / 1000} s`);
    process.exit(1);
  }, ms).unref();
}

export async function logInImap(address: string, user: string, password: string): Promise<Wire> {
  const wire = await Wire.connect(address, "imap");
  await wire.next();
  await wire.run(`l LOGIN ${user} ${password}`);
  return wire;
}

export function plainResponse(user: string, password: string): string {
  return Buffer.from(`\0${user}\0${password}`).toString("base64");
}
