// The client side of one LMTP connection (RFC 2033), logged in (client-login.ts): sends one message at a time, to many
// recipients, in two turns where the server takes pipelining.

import { type Clock, systemClock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { Connection } from "../net/connection.ts";
import { LineConversation } from "../net/line-conversation.ts";
import { DotEncoder } from "../wire/dot-stuffing.ts";
import { type Extensions, type LoginPlan, logIn, readReply } from "./client-login.ts";
import type { Envelope } from "./delivery.ts";
import { formatRecipient, type RecipientAddress } from "./parse/path.ts";
import { isPositive, type Reply } from "./reply.ts";

export interface OutgoingRecipient {
  readonly address: RecipientAddress;
  readonly ignoresQuota: boolean;
}

export interface OutgoingMessage {
  readonly envelope: Envelope;
  readonly recipients: readonly OutgoingRecipient[];
  readonly size: number;
  /** The octets, without dots put in; may be asked for again. */
  chunks(): Iterable<Uint8Array>;
}

export interface ClientOptions {
  readonly plan: LoginPlan;
  readonly ownName: string;
  /** For each step of logging in. */
  readonly loginDeadlineMs: number;
  /** For each reply, and for each stretch of the message to be taken. */
  readonly replyDeadlineMs: number;
  readonly clock?: Clock;
}

export class LmtpClient {
  readonly #lines: LineConversation;
  readonly #connection: Connection;
  readonly #options: ClientOptions;
  readonly #extensions: Extensions;
  #isUsed = false;
  /** Octets of the current message have been sent: it may have been delivered whatever happens. */
  hasSentMessage = false;

  private constructor(lines: LineConversation, options: ClientOptions, extensions: Extensions) {
    this.#lines = lines;
    this.#connection = lines.connection;
    this.#options = options;
    this.#extensions = extensions;
  }

  /** Rejects with No("UNAVAILABLE"); the connection is then closed. */
  static async open(connection: Connection, options: ClientOptions): Promise<LmtpClient> {
    const lines = new LineConversation(connection, options.clock);
    try {
      const extensions = await logIn(lines, options.plan, options.ownName, options.loginDeadlineMs);
      return new LmtpClient(lines, options, extensions);
    } catch (fault) {
      connection.destroy();
      throw fault;
    }
  }

  get isOpen(): boolean {
    return this.#lines.isOpen && !this.#lines.hasUnread;
  }

  /** Called once when the connection is over. */
  set onLost(listener: () => void) {
    this.#lines.onLost = listener;
  }

  /** Closes when nobody uses it for so long. */
  park(idleMs: number): void {
    this.#connection.setIdleTimeout(idleMs);
  }

  /**
   * One reply for each recipient, in their order. Rejects with No("UNAVAILABLE") when the connection fails: it may be
   * tried on another one while `hasSentMessage` is false.
   */
  async deliver(message: OutgoingMessage): Promise<readonly Reply[]> {
    this.#connection.setIdleTimeout(0);
    this.hasSentMessage = false;
    const commands = this.#commandsFor(message);
    const replies = await this.#converse(commands);
    const [sender, ...rest] = this.#isUsed ? replies.slice(1) : replies;
    this.#isUsed = true;
    const begin = rest.pop()!;
    if (!isPositive(sender!)) return this.#refuseAll(message, sender!, begin);
    const isAccepted = rest.map(isPositive);
    if (!isAccepted.includes(true)) return this.#giveUp(rest, begin);
    if (begin.code !== 354) return rest.map((each, index) => (isAccepted[index] ? begin : each));
    await this.#send(message);
    const final: Reply[] = [];
    for (const [index, each] of rest.entries()) final.push(isAccepted[index] ? await this.#read() : each);
    return final;
  }

  close(): void {
    if (this.#connection.isOpen) this.#connection.write("QUIT\r\n");
    this.#connection.close();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  #commandsFor({ envelope, recipients, size }: OutgoingMessage): readonly string[] {
    const { sender, body, submitter, sessionId, hopsLeft } = envelope;
    const origin = sessionId === undefined ? [] : [`XSESSION=${sessionId}`, `XTTL=${hopsLeft ?? 0}`];
    const offers = (keyword: string) => this.#extensions.has(keyword);
    const parameters = [
      ...(offers("SIZE") ? [`SIZE=${size}`] : []),
      ...(body && offers("8BITMIME") ? [`BODY=${body}`] : []),
      ...(offers("AUTH") ? [`AUTH=${submitter ?? "<>"}`] : []),
      ...(offers("XSESSION") ? origin : []),
    ];
    return [
      ...(this.#isUsed ? ["RSET"] : []),
      [`MAIL FROM:<${sender}>`, ...parameters].join(" "),
      ...recipients.map(({ address, ignoresQuota }) => {
        const option = ignoresQuota && offers("IGNOREQUOTA") ? " IGNOREQUOTA" : "";
        return `RCPT TO:<${formatRecipient(address)}>${option}`;
      }),
      "DATA",
    ];
  }

  async #converse(commands: readonly string[]): Promise<Reply[]> {
    const replies: Reply[] = [];
    const isPipelining = this.#extensions.has("PIPELINING");
    if (isPipelining) this.#connection.write(`${commands.join("\r\n")}\r\n`);
    for (const command of commands) {
      if (!isPipelining) this.#connection.write(`${command}\r\n`);
      const answer = await this.#read();
      if (answer.code === 421) throw new No("UNAVAILABLE", `It is closing: ${answer.lines.at(-1)}`);
      replies.push(answer);
    }
    return replies;
  }

  #refuseAll({ recipients }: OutgoingMessage, why: Reply, begin: Reply): readonly Reply[] {
    return this.#giveUp(
      recipients.map(() => why),
      begin,
    );
  }

  /** There is nobody to send the message to. */
  #giveUp(replies: readonly Reply[], begin: Reply): readonly Reply[] {
    if (begin.code === 354) this.destroy(); // it waits for a message that must not be sent
    return replies;
  }

  async #send(message: OutgoingMessage): Promise<void> {
    const encoder = new DotEncoder();
    this.hasSentMessage = true;
    for (const chunk of message.chunks()) {
      let hasRoom = true;
      encoder.encode(chunk, (piece) => {
        hasRoom = this.#connection.write(piece);
      });
      if (!hasRoom) await this.#drained();
    }
    this.#connection.write(encoder.end());
  }

  async #drained(): Promise<void> {
    const { clock = systemClock, replyDeadlineMs } = this.#options;
    const timer = clock.after(replyDeadlineMs, () => this.#connection.destroy());
    await this.#connection.drained();
    timer.cancel();
    if (!this.#connection.isOpen) throw new No("UNAVAILABLE", "It does not take the message");
  }

  #read(): Promise<Reply> {
    return readReply(this.#lines, this.#options.replyDeadlineMs);
  }
}
