// One POP3 connection, server side (RFC 1939): lines in, table rows run in order, replies out. After a login that another
// server answers, the connection is handed over to a pipe and the session has nothing more to say.

import { Bye, describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { newSessionId } from "../base/session-id.ts";
import type { CloseReason, Connection, Receiver } from "../net/connection.ts";
import { LineReader, overlongLine } from "../net/line-reader.ts";
import type { Identity } from "../sasl/identity.ts";
import type { ServerContext, ServerMechanism } from "../sasl/mechanism.ts";
import { offeredMechanisms } from "../sasl/mechanisms.ts";
import { commandTable } from "./command.ts";
import type { Maildrop } from "./maildrop.ts";
import { err, internalError, ok, refusalOf } from "./reply.ts";
import type { Pop3Server, RemoteMaildrop } from "./server.ts";

/** RFC 2449 §4 allows 255; SASL responses are longer (RFC 5034 §4). */
const maxLine = 12_288;
const maxWaitingInput = 64 * 1024;
const loginTimeoutMs = 180_000;
/** RFC 1939 §3. */
const leastIdleSeconds = 600;

export class Pop3Session implements Receiver {
  readonly server: Pop3Server;
  readonly connection: Connection;
  readonly id: string;
  log: Log;
  /** What USER said. */
  userName: string | undefined;
  /** Undefined until the login. */
  maildrop: Maildrop | undefined;

  readonly #lines = new LineReader(maxLine);
  readonly #onEnd: () => void;
  #lineWaiter: PromiseWithResolvers<string> | undefined;
  #isBusy = false;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;
  #isHandedOver = false;
  #isDraining = false;

  /** `onEnd` is called once, when the connection is gone and everything is released. */
  constructor(server: Pop3Server, connection: Connection, onEnd: () => void = () => {}) {
    this.server = server;
    this.connection = connection;
    this.#onEnd = onEnd;
    this.id = newSessionId();
    this.log = server.log.with({ session: this.id, client: connection.remote.host });
  }

  start(): void {
    const { config, version } = this.server;
    const product = config.serverinfo === "on" ? ` iatlas ${version}` : config.serverinfo === "min" ? " iatlas" : "";
    this.connection.setIdleTimeout(loginTimeoutMs);
    this.send(ok(`${config.servername}${product} POP3 server ready`));
    this.connection.attach(this);
  }

  /** Refuses the connection politely, before any command. */
  static refuse(connection: Connection, text: string): void {
    connection.attach({ receive() {}, closed() {} });
    connection.write(err(text, "SYS/TEMP"));
    connection.close();
  }

  /** Returns false when the client is slow: await `drained()` before sending bulk. */
  send(bytes: string | Uint8Array): boolean {
    return this.connection.write(bytes);
  }

  async drained(): Promise<void> {
    await this.connection.drained();
    if (!this.connection.isOpen) throw new Bye("Connection closed");
  }

  /** The maildrop of a session that has logged in. */
  get opened(): Maildrop {
    if (!this.maildrop) throw new Error("not in the transaction state");
    return this.maildrop;
  }

  get isPlaintextAllowed(): boolean {
    const { tls, peerUserId } = this.connection;
    return tls !== undefined || peerUserId !== undefined || this.server.config.allowplaintext;
  }

  mechanisms(): readonly ServerMechanism[] {
    const { sasl_mech_list: listed } = this.server.config;
    return offeredMechanisms(this.saslContext(), this.isPlaintextAllowed, listed.length > 0 ? listed : undefined);
  }

  saslContext(): ServerContext {
    const { tls } = this.connection;
    return {
      verifier: this.server.verifier,
      service: "pop",
      hostName: this.server.config.servername,
      isSecure: tls !== undefined,
      externalId: tls?.peerCertificate?.subject.match(/^CN=(.+)$/m)?.[1],
      exporter: tls?.exporter,
    };
  }

  // ---- what commands do

  /** Opens the user's maildrop and answers the login; throws No. */
  async enter(identity: Identity, folder: string | undefined): Promise<void> {
    const { remote, tls } = this.connection;
    const { maildrops, config } = this.server;
    this.log = this.log.with({ user: identity.user });
    const origin = { identity, sessionId: this.id, remoteHost: remote.host, remotePort: remote.port };
    const opened = await maildrops.open({ ...origin, isSecure: tls !== undefined }, folder);
    this.log.info("login", { by: identity.authenticated, tls: tls?.protocol });
    if (opened.kind === "elsewhere") {
      this.#handOver(opened);
      return;
    }
    this.maildrop = opened.maildrop;
    this.connection.setIdleTimeout(Math.max(leastIdleSeconds, config.poptimeout) * 1000);
    this.send(ok(`Mailbox locked and ready SESSIONID=<${this.id}>`));
  }

  refuseDelayed(text: string): void {
    this.end(err(text, "LOGIN-DELAY"));
  }

  async releaseMaildrop(): Promise<void> {
    const { maildrop } = this;
    this.maildrop = undefined;
    await maildrop?.release();
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
  end(lastWord: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.send(lastWord);
    this.connection.close();
  }

  /** The service is going down. There is no way to say so but at the end of a command; nothing marked is removed. */
  drain(): void {
    this.#isDraining = true;
    if (this.#isHandedOver || this.#isBusy) return;
    this.end(err("Server is shutting down", "SYS/TEMP"));
  }

  // ---- input

  receive(bytes: Uint8Array): void {
    if (this.#isEnding) return;
    this.#lines.feed(bytes);
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

  /** RFC 1939 §3: without UPDATE and without a word. */
  idle(): void {
    if (!this.#isBusy || this.#lineWaiter) this.connection.close();
  }

  #handOver(remote: RemoteMaildrop): void {
    if (this.#isClosed) {
      remote.discard();
      return;
    }
    this.#isHandedOver = true;
    this.connection.setIdleTimeout(0); // the other server watches over it
    this.send(`+OK${remote.text}\r\n`);
    if (this.#isPaused) this.connection.resume();
    remote.take(this.connection, this.#lines.takeRest()).then(
      () => this.#onEnd(),
      (fault: unknown) => {
        this.log.error("relay failed", { reason: describeFault(fault) });
        this.connection.destroy();
        this.#onEnd();
      },
    );
  }

  #offerLine(): void {
    const line = this.#lineWaiter && this.#lines.next();
    if (line === undefined) return;
    const waiter = this.#lineWaiter!;
    this.#lineWaiter = undefined;
    if (line === overlongLine) waiter.reject(new Bye("Line too long"));
    else waiter.resolve(line);
  }

  #pump(): void {
    while (!this.#isBusy && !this.#isEnding && !this.#isHandedOver) {
      const line = this.#lines.next();
      if (line === undefined) return;
      if (line === overlongLine) this.send(err("Line too long"));
      else this.#work(this.#run(line));
    }
  }

  async #run(line: string): Promise<void> {
    const [name = "", ...words] = line.split(" ");
    const row = Object.hasOwn(commandTable, name.toUpperCase()) ? commandTable[name.toUpperCase()] : undefined;
    const state = this.maildrop ? "transaction" : "authorization";
    if (!row?.states.includes(state)) {
      this.send(err("Unrecognized command"));
      return;
    }
    const rest = line.slice(name.length + 1);
    const args = row.takesRest ? (rest === "" ? [] : [rest]) : words.filter((word) => word !== "");
    const [least, most] = row.args;
    if (args.length < least) this.send(err("Missing argument"));
    else if (args.length > most) this.send(err("Unexpected extra argument"));
    else {
      const answer = await row.run(this, args);
      if (answer !== undefined) this.send(answer);
    }
  }

  /** Holds the input back until `work` is done. */
  #work(work: Promise<void>): void {
    this.#isBusy = true;
    work
      .catch((fault: unknown) => {
        if (this.#isClosed) return;
        const refusal = refusalOf(fault);
        if (!refusal) this.log.error("pop3 command failed", { reason: describeFault(fault) });
        if (fault instanceof Bye) this.end(refusal ?? internalError);
        else this.send(refusal ?? internalError);
      })
      .finally(() => this.#workDone());
  }

  #workDone(): void {
    this.#isBusy = false;
    if (this.#isHandedOver) return;
    if (this.#isClosed) {
      this.#release();
      return;
    }
    this.#pump();
    if (this.#isDraining && !this.#isBusy) this.drain();
    if (this.#isPaused && !this.#isBusy) {
      this.#isPaused = false;
      this.connection.resume();
    }
  }

  #release(): void {
    this.releaseMaildrop().then(this.#onEnd, (fault: unknown) => {
      this.log.error("maildrop not released", { reason: describeFault(fault) });
      this.#onEnd();
    });
  }
}
