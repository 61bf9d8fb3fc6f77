// One LMTP connection, server side (RFC 2033): lines in, table rows run in order, replies out; after DATA the message. It
// does not know where mail goes: see delivery.ts.

import { describeFault } from "../base/fault.ts";
import { greetingName } from "../config/product.ts";
import type { Connection } from "../net/connection.ts";
import { LineSession } from "../net/line-session.ts";
import { contextOf, mechanismsFor } from "../sasl/login-policy.ts";
import type { ServerContext, ServerMechanism } from "../sasl/mechanism.ts";
import { commandTable, refusalOfRow } from "./command.ts";
import type { DeliveryTransaction, Envelope } from "./delivery.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { formatReply, internalError, isPositive, type Reply, refusalOf, reply } from "./reply.ts";
import type { LmtpServer } from "./server.ts";

export interface Transaction {
  readonly delivery: DeliveryTransaction;
  readonly sender: string;
  recipients: number;
  /** Where the message came into the murder, when that was at another server. */
  readonly originSession: string | undefined;
}

export class LmtpSession extends LineSession<Reply> {
  readonly server: LmtpServer;
  /** What LHLO said; undefined before it. */
  clientName: string | undefined;
  /** Who has authenticated. */
  user: string | undefined;
  transaction: Transaction | undefined;

  protected readonly lineTooLong = reply(500, "5.5.2", "Line too long");
  protected readonly shuttingDown = reply(421, "4.3.2", "Server is shutting down");
  readonly #isPreauthorized: boolean;
  #message: IncomingMessage | undefined;

  /** `onEnd` is called once, when the connection is gone and everything is released. */
  constructor(server: LmtpServer, connection: Connection, onEnd: () => void = () => {}) {
    super(connection, server.log, onEnd);
    this.server = server;
    // Whoever reaches the socket's folder may deliver.
    this.#isPreauthorized = server.isPreauthorized || connection.peerUserId !== undefined;
  }

  start(): void {
    const { config, version } = this.server;
    this.connection.setIdleTimeout(config.lmtp_idle_timeout * 1000);
    this.answer(reply(220, "", `${greetingName(config, version, "LMTP")} server ready`));
    this.connection.attach(this);
  }

  /** Refuses the connection politely, before any command. */
  static refuse(connection: Connection, text: string): void {
    connection.attach({ receive() {}, closed() {} });
    connection.write(formatReply(reply(421, "4.3.2", text)));
    connection.close();
  }

  get isTrusted(): boolean {
    return this.#isPreauthorized || this.user !== undefined;
  }

  trust(user: string): void {
    this.user = user;
    this.log.info("login", { user, tls: this.connection.tls?.protocol });
  }

  mechanisms(): readonly ServerMechanism[] {
    return mechanismsFor(this.connection, this.server.config, this.saslContext());
  }

  saslContext(): ServerContext {
    const { verifier, config } = this.server;
    return contextOf(this.connection, { verifier, hostName: config.servername }, "lmtp");
  }

  // ---- what commands do

  answer(answer: Reply): void {
    this.connection.write(formatReply(answer));
  }

  begin(envelope: Envelope): void {
    const { config } = this.server;
    const { sender, sessionId = this.id, hopsLeft = config.proxy_max_hops } = envelope;
    const origin = { sessionId, hopsLeft: Math.min(hopsLeft, config.proxy_max_hops) };
    const delivery = this.server.delivery.begin({ ...envelope, ...origin });
    this.transaction = { delivery, sender, recipients: 0, originSession: envelope.sessionId };
  }

  /** Forgets the message that was being handed in. */
  abandon(): void {
    this.#message?.discard();
    this.#message = undefined;
    this.transaction = undefined;
  }

  /** What comes from now on is the message. */
  receiveMessage(message: IncomingMessage): void {
    if (this.isClosed) message.discard();
    else this.#message = message;
  }

  // ---- input

  protected async run(line: string): Promise<void> {
    const [, name = "", args = ""] = /^([A-Za-z]*)(?: +(.*))?$/.exec(line.trimEnd()) ?? [];
    const row = Object.hasOwn(commandTable, name.toUpperCase()) ? commandTable[name.toUpperCase()] : undefined;
    if (!row) return this.answer(reply(500, "5.5.2", "Syntax error"));
    const refusal = refusalOfRow(row, this);
    const answer = refusal ?? (await row.run(this, args));
    if (answer) this.answer(answer);
  }

  protected override get expectsOctets(): boolean {
    return this.#message !== undefined;
  }

  protected override takeOctets(octets: Uint8Array): void {
    const message = this.#message!;
    const { used, wait } = message.take(octets);
    if (used < octets.length) this.unread(octets.subarray(used));
    if (message.isEnded) this.work(this.#deliver(message, wait));
    else if (wait) this.work(wait, true);
  }

  async #deliver(message: IncomingMessage, wait: Promise<void> | undefined): Promise<void> {
    await wait;
    const { recipients, size } = message;
    const { sender, originSession } = this.transaction ?? {};
    this.#message = this.transaction = undefined;
    const replies = await this.#repliesOf(message);
    for (const each of replies) {
      this.answer(isPositive(each) ? { ...each, lines: [`Ok SESSIONID=<${this.id}>`] } : each);
    }
    const delivered = replies.filter(isPositive).length;
    this.log.info("message", { from: `<${sender}>`, size, recipients, delivered, originSession });
  }

  async #repliesOf(message: IncomingMessage): Promise<readonly Reply[]> {
    try {
      return await message.finish();
    } catch (fault) {
      return Array(message.recipients).fill(this.replyTo(fault));
    }
  }

  protected replyTo(fault: unknown): Reply {
    const refusal = refusalOf(fault, this.server.config);
    if (!refusal) this.log.error("lmtp command failed", { reason: describeFault(fault) });
    return refusal ?? internalError;
  }

  protected silent(): void {
    this.end(reply(421, "4.4.1", "Idle for too long"));
  }

  protected override get isInterruptible(): boolean {
    return !this.transaction && !this.#message;
  }

  protected release(): void {
    this.abandon();
  }
}
