// One POP3 connection, server side (RFC 1939): lines in, table rows run in order, replies out. After a login that another
// server answers, the connection is handed over to a pipe and the session has nothing more to say.

import { Bye, describeFault } from "../base/fault.ts";
import { greetingName } from "../config/product.ts";
import { type Origin, readXclient } from "../mailbox/origin.ts";
import type { Connection } from "../net/connection.ts";
import { LineSession } from "../net/line-session.ts";
import type { DeferringVerifier } from "../sasl/deferring-verifier.ts";
import type { Identity } from "../sasl/identity.ts";
import { contextOf, isLoginAllowed, isPlaintextAllowed, mechanismsFor } from "../sasl/login-policy.ts";
import type { ServerContext, ServerMechanism, Verifier } from "../sasl/mechanism.ts";
import { commandTable } from "./command.ts";
import type { Maildrop } from "./maildrop.ts";
import { err, internalError, ok, refusalOf } from "./reply.ts";
import type { Pop3Server, RemoteMaildrop } from "./server.ts";

/** RFC 1939 §3. */
const leastIdleSeconds = 600;

export class Pop3Session extends LineSession<string> {
  readonly server: Pop3Server;
  /** What USER said. */
  userName: string | undefined;
  /** What XCLIENT said, as it came. */
  toldOrigin: string | undefined;
  /** Undefined until the login. */
  maildrop: Maildrop | undefined;

  readonly #deferring: DeferringVerifier | undefined;

  protected readonly lineTooLong = err("Line too long");
  // There is no way to say so but at the end of a command; nothing marked is removed.
  protected readonly shuttingDown = err("Server is shutting down", "SYS/TEMP");

  /** `onEnd` is called once, when the connection is gone and everything is released. */
  constructor(server: Pop3Server, connection: Connection, onEnd: () => void = () => {}) {
    super(connection, server.log, onEnd);
    this.server = server;
    this.#deferring = server.newVerifier?.();
  }

  start(): void {
    const { config, version } = this.server;
    this.connection.setIdleTimeout(config.login_timeout * 1000);
    this.send(ok(`${greetingName(config, version, "POP3")} server ready`));
    this.connection.attach(this);
  }

  /** Refuses the connection politely, before any command. */
  static refuse(connection: Connection, text: string): void {
    connection.attach({ receive() {}, closed() {} });
    connection.write(err(text, "SYS/TEMP"));
    connection.close();
  }

  answer(reply: string): void {
    this.send(reply);
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

  get isLoginAllowed(): boolean {
    return isLoginAllowed(this.connection, this.server.config);
  }

  get isPlaintextAllowed(): boolean {
    return isPlaintextAllowed(this.connection, this.server.config);
  }

  mechanisms(): readonly ServerMechanism[] {
    return mechanismsFor(this.connection, this.server.config, this.saslContext());
  }

  saslContext(): ServerContext {
    const { verifier } = this;
    return contextOf(this.connection, { verifier, hostName: this.server.config.servername }, "pop");
  }

  /** Checks passwords at the login. */
  get verifier(): Verifier {
    return this.#deferring ?? this.server.verifier;
  }

  // ---- what commands do

  /** Opens the user's maildrop and answers the login; throws No. */
  async enter(identity: Identity, folder: string | undefined): Promise<void> {
    const { tls } = this.connection;
    const { maildrops, config } = this.server;
    this.log = this.log.with({ user: identity.user });
    const origin = this.#originOf(identity);
    const proof = this.#deferring?.takeProof();
    const opened = await maildrops.open({ ...origin, identity, isSecure: tls !== undefined }, folder, proof);
    this.log.info("login", { by: identity.authenticated, tls: tls?.protocol });
    if (opened.kind === "elsewhere") {
      this.#proxyTo(opened);
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

  // ---- input

  protected async run(line: string): Promise<void> {
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

  protected replyTo(fault: unknown): string {
    const refusal = refusalOf(fault);
    if (!refusal && !this.isClosed) this.log.error("pop3 command failed", { reason: describeFault(fault) });
    return refusal ?? internalError;
  }

  /** RFC 1939 §3: without UPDATE and without a word. */
  protected silent(): void {
    this.connection.close();
  }

  protected release(): Promise<void> {
    return this.releaseMaildrop();
  }

  /** Where the client comes from; what another server says of him counts when it has logged him in. */
  #originOf(identity: Identity): Origin {
    const { host: remoteHost, port: remotePort } = this.connection.remote;
    const own = { sessionId: this.id, remoteHost, remotePort, hopsLeft: this.server.config.proxy_max_hops };
    if (this.toldOrigin === undefined || identity.authenticated === identity.user) return own;
    const origin = readXclient(this.toldOrigin, own);
    this.log = this.log.with({ origin: origin.remoteHost, originSession: origin.sessionId });
    return origin;
  }

  #proxyTo(remote: RemoteMaildrop): void {
    if (this.isClosed) {
      remote.discard();
      return;
    }
    this.connection.setIdleTimeout(0); // the other server watches over it
    this.send(`+OK${remote.text}\r\n`);
    this.handOver((unread) =>
      remote.take(this.connection, unread).catch((fault: unknown) => {
        this.log.error("relay failed", { reason: describeFault(fault) });
        this.connection.destroy();
      }),
    );
  }
}
