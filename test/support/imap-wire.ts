// A plain IMAP client over TCP for tests with real servers: sends what it is told, gives back the answers as they are.

import { TcpLines } from "./tcp-lines.ts";

/** Who knows the users' passwords: a Murder. */
interface Passwords {
  passwordOf(user: string): string;
}

export interface ImapAnswer {
  readonly status: "OK" | "NO" | "BAD";
  /** Behind the status. */
  readonly text: string;
  /** Without "* ", literals in their place. */
  readonly untagged: readonly string[];
}

export class ImapWire implements Disposable {
  readonly #lines: TcpLines;
  #tags = 0;
  #isWithinResponse = false;

  private constructor(lines: TcpLines) {
    this.#lines = lines;
  }

  static async login(murder: Passwords, address: string, user: string, waitMs?: number): Promise<ImapWire> {
    const lines = await TcpLines.open(address, waitMs);
    const imap = new ImapWire(lines);
    await lines.line();
    await imap.ok(`LOGIN ${user} ${murder.passwordOf(user)}`);
    return imap;
  }

  /** The connection has ended in the middle of a response. */
  get isCut(): boolean {
    return this.#lines.isClosed && (this.#isWithinResponse || this.#lines.hasMore);
  }

  /** Sends commands as they are, tags and line ends included. */
  send(text: string): void {
    this.#lines.send(text);
  }

  async command(text: string): Promise<ImapAnswer> {
    this.#tags += 1;
    const tag = `T${this.#tags}`;
    this.send(`${tag} ${text}\r\n`);
    return this.answer(tag);
  }

  /** Rejects when the server says NO or BAD. */
  async ok(text: string): Promise<ImapAnswer> {
    const answer = await this.command(text);
    if (answer.status !== "OK") throw new Error(`${text}: ${answer.status} ${answer.text}`);
    return answer;
  }

  /** Everything up to the tagged reply. */
  async answer(tag: string): Promise<ImapAnswer> {
    const untagged: string[] = [];
    for (;;) {
      const response = await this.#response();
      if (response.startsWith("* ")) {
        untagged.push(response.slice(2));
        continue;
      }
      const [, theirs, status, text = ""] = /^(\S+) (OK|NO|BAD)(?: (.*))?$/s.exec(response) ?? [];
      if (theirs !== tag || (status !== "OK" && status !== "NO" && status !== "BAD")) {
        throw new Error(`expected the answer to ${tag}: ${response}`);
      }
      return { status, text, untagged };
    }
  }

  /** The next untagged response, without "* ". */
  async untagged(): Promise<string> {
    const response = await this.#response();
    if (!response.startsWith("* ")) throw new Error(`expected an untagged response: ${response}`);
    return response.slice(2);
  }

  /** Resolves when the server waits. */
  async idle(): Promise<void> {
    this.send("IDLE IDLE\r\n");
    const invitation = await this.#response();
    if (!invitation.startsWith("+ ")) throw new Error(`expected "+ ": ${invitation}`);
  }

  /** Ends idle() and gives what came meanwhile. */
  done(): Promise<ImapAnswer> {
    this.send("DONE\r\n");
    return this.answer("IDLE");
  }

  append(mailbox: string, message: string): Promise<ImapAnswer> {
    return this.ok(`APPEND ${mailbox} {${message.length}+}\r\n${message}`);
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }

  async #response(): Promise<string> {
    let response = await this.#lines.line();
    for (;;) {
      const size = /\{(\d+)\+?\}$/.exec(response)?.[1];
      this.#isWithinResponse = size !== undefined;
      if (size === undefined) return response;
      response += `\r\n${await this.#lines.octets(Number(size))}${await this.#lines.line()}`;
    }
  }
}
