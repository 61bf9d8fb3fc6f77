// One LMTP connection, server side (RFC 2033): lines in, table rows run in order, replies out; after DATA the message. It
// does not know where mail goes: see delivery.ts.

import { Bye, describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { newSessionId } from "../base/session-id.ts";
import type { CloseReason, Connection, Receiver } from "../net/connection.ts";
import { LineReader, overlongLine } from "../net/line-reader.ts";
import type { ServerContext, ServerMechanism } from "../sasl/mechanism.ts";
import { offeredMechanisms } from "../sasl/mechanisms.ts";
import { commandTable, refusalOfRow } from "./command.ts";
import type { DeliveryTransaction, Envelope } from "./delivery.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { formatReply, internalError, isPositive, type Reply, refusalOf, reply } from "./reply.ts";
import type { LmtpServer } from "./server.ts";

/** RFC 5321 §4.5.3.1.4 asks for 512; AUTH and its responses need up to 12288 (RFC 4954 §4). */
const maxLine = 12_288;
/** Input that may wait while a command runs, before the peer is told to stop. */
const maxWaitingInput = 64 * 1024;

export interface Transaction {
  readonly delivery: DeliveryTransaction;
  readonly sender: string;
  recipients: number;
}

export class LmtpSession implements Receiver {
  readonly server: LmtpServer;
  readonly connection: Connection;
  readonly id: string;
  readonly log: Log;
  /** What LHLO said; undefined before it. */
  clientName: string | undefined;
  /** Who has authenticated. */
  user: string | undefined;
  transaction: Transaction | undefined;

  readonly #lines = new LineReader(maxLine);
  readonly #onEnd: () => void;
  readonly #isPreauthorized: boolean;
  #message: IncomingMessage | undefined;
  #lineWaiter: PromiseWithResolvers<string> | undefined;
  #isBusy = false;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;
  #isDraining = false;

  /** `onEnd` is called once, when the connection is gone and everything is released. */
  constructor(server: LmtpServer, connection: Connection, onEnd: () => void = () => {}) {
    this.server = server;
    this.connection = connection;
    this.#onEnd = onEnd;
    this.id = newSessionId();
    this.log = server.log.with({ session: this.id, client: connection.remote.host || "unix socket" });
    // Whoever reaches the socket's folder may deliver.
    this.#isPreauthorized = server.isPreauthorized || connection.peerUserId !== undefined;
  }

  start(): void {
    const { config, version } = this.server;
    const product = config.serverinfo === "on" ? ` iatlas ${version}` : config.serverinfo === "min" ? " iatlas" : "";
    this.connection.setIdleTimeout(config.lmtp_idle_timeout * 1000);
    this.answer(reply(220, "", `${config.servername}${product} LMTP server ready`));
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
    const { config } = this.server;
    const listed = config.sasl_mech_list.length > 0 ? config.sasl_mech_list : undefined;
    const isLocal = this.connection.peerUserId !== undefined;
    return offeredMechanisms(this.saslContext(), config.allowplaintext || isLocal, listed);
  }

  saslContext(): ServerContext {
    const { tls } = this.connection;
    return {
      verifier: this.server.verifier,
      service: "lmtp",
      hostName: this.server.config.servername,
      isSecure: tls !== undefined,
      externalId: tls?.peerCertificate?.subject.match(/^CN=(.+)$/m)?.[1],
      exporter: tls?.exporter,
    };
  }

  // ---- what commands do

  answer(answer: Reply): void {
    this.connection.write(formatReply(answer));
  }

  begin(envelope: Envelope): void {
    const delivery = this.server.delivery.begin(envelope);
    this.transaction = { delivery, sender: envelope.sender, recipients: 0 };
  }

  /** Forgets the message that was being handed in. */
  abandon(): void {
    this.#message?.discard();
    this.#message = undefined;
    this.transaction = undefined;
  }

  /** What comes from now on is the message. */
  receiveMessage(message: IncomingMessage): void {
    if (this.#isClosed) message.discard();
    else this.#message = message;
  }

  /** The next line that is not a command. Rejects when the client is gone. */
  readLine(): Promise<string> {
    this.#lineWaiter = Promise.withResolvers();
    const { promise } = this.#lineWaiter;
    if (this.#isClosed) this.#lineWaiter.reject(new Bye("Connection closed"));
    else this.#offerLine();
    return promise;
  }

  forgetInput(): void {
    this.#lines.takeRest();
  }

  /** Says a last word and hangs up. */
  end(lastWord: Reply): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.answer(lastWord);
    this.connection.close();
  }

  /** The service is going down: whoever hands a message in may finish. */
  drain(): void {
    this.#isDraining = true;
    this.#endIfDrained();
  }

  // ---- input

  receive(bytes: Uint8Array): void {
    if (this.#isEnding) return;
    // Octets of the message go past the line reader.
    if (this.#message && !this.#isBusy && this.#lines.buffered === 0) this.#takeMessage(this.#message, bytes);
    else this.#lines.feed(bytes);
    this.#offerLine();
    this.#pump();
    if (this.#isBusy && this.#lines.buffered > maxWaitingInput && !this.#isPaused) {
      this.#isPaused = true;
      this.connection.pause();
    }
  }

  closed(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = this.#isEnding = true;
    this.log.debug("disconnected", { reason: reason.kind });
    this.#lineWaiter?.reject(new Bye("Connection closed"));
    if (!this.#isBusy) this.#release();
  }

  idle(): void {
    if (!this.#isBusy || this.#lineWaiter) this.end(reply(421, "4.4.1", "Idle for too long"));
  }

  #offerLine(): void {
    const line = this.#lineWaiter && this.#lines.next();
    if (line === undefined) return;
    const waiter = this.#lineWaiter!;
    this.#lineWaiter = undefined;
    if (line === overlongLine) waiter.reject(new Bye("Line too long"));
    else waiter.resolve(line);
  }

  /** Runs what is complete in the input until a command has to wait. */
  #pump(): void {
    while (!this.#isBusy && !this.#isEnding) {
      if (this.#message) {
        if (this.#lines.buffered === 0) return;
        this.#takeMessage(this.#message, this.#lines.takeRest());
        continue;
      }
      const line = this.#lines.next();
      if (line === undefined) return;
      if (line === overlongLine) this.answer(reply(500, "5.5.2", "Line too long"));
      else this.#work(this.#run(line));
    }
  }

  async #run(line: string): Promise<void> {
    const [, name = "", args = ""] = /^([A-Za-z]*)(?: +(.*))?$/.exec(line.trimEnd()) ?? [];
    const row = Object.hasOwn(commandTable, name.toUpperCase()) ? commandTable[name.toUpperCase()] : undefined;
    if (!row) return this.answer(reply(500, "5.5.2", "Syntax error"));
    const refusal = refusalOfRow(row, this);
    const answer = refusal ?? (await row.run(this, args));
    if (answer) this.answer(answer);
  }

  #takeMessage(message: IncomingMessage, bytes: Uint8Array): void {
    const { used, wait } = message.take(bytes);
    if (used < bytes.length) this.#lines.feed(bytes.subarray(used));
    if (message.isEnded) this.#work(this.#deliver(message, wait));
    else if (wait) this.#work(wait, true);
  }

  async #deliver(message: IncomingMessage, wait: Promise<void> | undefined): Promise<void> {
    await wait;
    const { recipients, size } = message;
    const sender = this.transaction?.sender;
    this.#message = this.transaction = undefined;
    const replies = await this.#repliesOf(message);
    for (const each of replies) {
      this.answer(isPositive(each) ? { ...each, lines: [`Ok SESSIONID=<${this.id}>`] } : each);
    }
    const delivered = replies.filter(isPositive).length;
    this.log.info("message", { from: `<${sender}>`, size, recipients, delivered });
  }

  async #repliesOf(message: IncomingMessage): Promise<readonly Reply[]> {
    try {
      return await message.finish();
    } catch (fault) {
      return Array(message.recipients).fill(this.#replyTo(fault));
    }
  }

  /** Holds the input back until `work` is done. `holdsSocket` also lets the peer feel it. */
  #work(work: Promise<void>, holdsSocket = false): void {
    this.#isBusy = true;
    if (holdsSocket && !this.#isPaused) {
      this.#isPaused = true;
      this.connection.pause();
    }
    work
      .catch((fault: unknown) => {
        if (fault instanceof Bye) this.end(this.#replyTo(fault));
        else this.answer(this.#replyTo(fault));
      })
      .finally(() => this.#workDone());
  }

  #replyTo(fault: unknown): Reply {
    const refusal = refusalOf(fault, this.server.config);
    if (!refusal) this.log.error("lmtp command failed", { reason: describeFault(fault) });
    return refusal ?? internalError;
  }

  #workDone(): void {
    this.#isBusy = false;
    if (this.#isClosed) this.#release();
    this.#pump();
    this.#endIfDrained();
    if (this.#isPaused && !this.#isBusy) {
      this.#isPaused = false;
      this.connection.resume();
    }
  }

  #endIfDrained(): void {
    if (this.#isDraining && !this.#isBusy && !this.transaction && !this.#message) {
      this.end(reply(421, "4.3.2", "Server is shutting down"));
    }
  }

  #release(): void {
    this.abandon();
    this.#onEnd();
  }
}
