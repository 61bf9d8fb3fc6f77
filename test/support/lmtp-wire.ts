// A plain LMTP client over TCP for tests with real servers.

import { TcpLines } from "./tcp-lines.ts";

/** Who may deliver, and how he proves it: a Murder. */
interface Deliverer {
  readonly admin: string;
  passwordOf(user: string): string;
}

export class LmtpWire implements Disposable {
  readonly #lines: TcpLines;

  private constructor(lines: TcpLines) {
    this.#lines = lines;
  }

  /** Logs in as the administrator, who may deliver. */
  static async open(murder: Deliverer, address: string): Promise<LmtpWire> {
    const lines = await TcpLines.open(address);
    const lmtp = new LmtpWire(lines);
    await lmtp.#reply();
    await lmtp.ask("LHLO client.example.org", 250);
    const response = Buffer.from(`\0${murder.admin}\0${murder.passwordOf(murder.admin)}`).toString("base64");
    await lmtp.ask(`AUTH PLAIN ${response}`, 235);
    return lmtp;
  }

  /** One reply for each recipient: that to RCPT when it was refused, else that behind the message. */
  async deliver(recipients: readonly string[], message: string): Promise<readonly string[]> {
    await this.ask("MAIL FROM:<sender@example.org>", 250);
    const replies: (string | undefined)[] = [];
    for (const recipient of recipients) {
      const reply = await this.#ask(`RCPT TO:<${recipient}>`);
      replies.push(reply.startsWith("250") ? undefined : reply);
    }
    if (!replies.includes(undefined)) {
      await this.ask("RSET", 250);
      return replies.map(String);
    }
    await this.ask("DATA", 354);
    this.#lines.send(`${message.replace(/^\./gm, "..")}.\r\n`);
    const all: string[] = [];
    for (const reply of replies) all.push(reply ?? (await this.#reply()));
    return all;
  }

  /** Rejects when the reply has another code. */
  async ask(command: string, code: number): Promise<void> {
    const reply = await this.#ask(command);
    if (!reply.startsWith(String(code))) throw new Error(`${command}: ${reply}`);
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }

  #ask(command: string): Promise<string> {
    this.#lines.send(`${command}\r\n`);
    return this.#reply();
  }

  /** The last line of a reply. */
  async #reply(): Promise<string> {
    for (;;) {
      const line = await this.#lines.line();
      if (!/^\d{3}-/.test(line)) return line;
    }
  }
}
