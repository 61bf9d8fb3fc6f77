// The client's end of a connection in a transcript: reads whole responses, literals included, as the text in which a
// script writes them.

import type { Connection } from "../../lib/net/connection.ts";

/** A server that says nothing for so long says nothing at all. */
const patienceMs = 5_000;

export class TranscriptClient {
  readonly #connection: Connection;
  #received = "";
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.attach({
      receive: (bytes) => {
        this.#received += Buffer.from(bytes).toString("latin1");
        this.#wake?.();
      },
      closed: () => {
        this.#isClosed = true;
        this.#wake?.();
      },
    });
  }

  /** What came and was not read. */
  get left(): string {
    return this.#received;
  }

  /** `text` is UTF-8 on the wire. */
  send(text: string): void {
    this.#connection.write(Buffer.from(text));
  }

  /** The next response; "(closed)" when there is none to come. */
  async response(): Promise<string> {
    for (;;) {
      const taken = takeResponse(this.#received);
      if (taken) {
        this.#received = this.#received.slice(taken.length);
        return taken.text;
      }
      if (this.#isClosed)
        return this.#received === "" ? "(closed)" : `(closed after ${JSON.stringify(this.#received)})`;
      await this.#more();
    }
  }

  /** Runs a command and returns its tagged answer without the tag, after waiting for any continuation requests. */
  async run(command: string, literal?: string): Promise<string> {
    this.send(literal === undefined ? `setup ${command}\r\n` : `setup ${command} {${Buffer.byteLength(literal)}}\r\n`);
    for (;;) {
      const response = await this.response();
      if (response.startsWith("(closed")) throw new Error(`${command}: ${response}`);
      if (response.startsWith("+ ")) this.send(`${literal}\r\n`);
      if (response.startsWith("setup ")) return response.slice("setup ".length);
    }
  }

  close(): void {
    this.#connection.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the server says nothing; so far: ${JSON.stringify(this.#received)}`)),
        patienceMs,
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** The first response of `received`, with the number of octets it took; undefined when it is not all there. */
function takeResponse(received: string): { readonly text: string; readonly length: number } | undefined {
  let text = "";
  let start = 0;
  for (;;) {
    const end = received.indexOf("\r\n", start);
    if (end < 0) return undefined;
    const line = received.slice(start, end);
    const announced = /\{(\d+)\}$/.exec(line);
    if (!announced) return { text: text + utf8(line), length: end + 2 };
    const bodyStart = end + 2;
    start = bodyStart + Number(announced[1]);
    if (received.length < start) return undefined;
    text += writeLiteral(line, received.slice(bodyStart, start));
  }
}

/** A literal as the lines of a script: "{5-}" for one that does not end with a line end. */
function writeLiteral(head: string, octets: string): string {
  const isEnded = octets === "" || octets.endsWith("\r\n");
  const lines = octets === "" ? [] : (isEnded ? octets.slice(0, -2) : octets).split("\r\n");
  const announced = isEnded ? head : head.replace(/\}$/, "-}");
  return `${[utf8(announced), ...lines.map((line) => `| ${utf8(line)}`)].join("\n")}\n> `;
}

function utf8(line: string): string {
  return Buffer.from(line, "latin1").toString("utf8");
}
