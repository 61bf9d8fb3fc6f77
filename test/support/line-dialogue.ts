// The client's end of a connection to a session of a line protocol (LMTP, POP3), in "C: " and "S: " lines. "…" in an
// expected line stands for anything.

import { expect } from "bun:test";
import type { Connection } from "../../lib/net/connection.ts";

export class LineDialogue {
  readonly connection: Connection;
  #received = "";
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
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

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends wire text as it is. */
  send(text: string): void {
    this.connection.write(text);
  }

  /** The next line without its end; rejects when the server has closed. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return line;
      }
      if (this.#isClosed) throw new Error(`closed by the server, left: ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when the server has closed; gives what it said last. */
  async end(): Promise<string> {
    while (!this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#received;
  }

  /** Plays a script, in order. */
  async play(script: string): Promise<void> {
    for (const raw of script.split("\n")) {
      const step = raw.trim();
      if (step === "C:") this.send("\r\n");
      else if (step.startsWith("C: ")) this.send(`${step.slice(3)}\r\n`);
      else if (step === "S:") expect(await this.line()).toBe("");
      else if (step.startsWith("S: ")) expectLine(await this.line(), step.slice(3));
      else if (step !== "") throw new Error(`Neither "C: " nor "S: ": ${step}`);
    }
  }
}

function expectLine(actual: string, expected: string): void {
  if (!expected.includes("…")) {
    expect(actual).toBe(expected);
    return;
  }
  const parts = expected.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  expect(actual).toMatch(new RegExp(`^${parts.join(".*")}$`));
}
