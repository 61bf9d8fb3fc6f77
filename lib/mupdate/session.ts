// The server side of one MUPDATE connection (RFC 3656): frames in, table rows run in order, replies out. It knows the
// registry behind it only as an interface; a replica is the same session over a registry that cannot be written.

import type { Clock } from "../base/clock.ts";
import { Bad, Bye, describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { CloseReason, Connection, Receiver, ServerTls } from "../net/connection.ts";
import { contextOf } from "../sasl/login-policy.ts";
import type { Authenticated, ServerContext, ServerMechanism, Verifier } from "../sasl/mechanism.ts";
import type { Frame } from "../wire/frame.ts";
import { type FrameEvent, FrameReader } from "../wire/frame-reader.ts";
import { type CommandRow, commandNamed } from "./command.ts";
import { compressionAlgorithm, refusalTexts } from "./dialect.ts";
import { extensionName, type PeerReport, type PeerRole, type ServerStatus } from "./extension.ts";
import { type CommandHead, parseHead, parseStrings } from "./parse/command.ts";
import type { Registry, RegistryReader } from "./registry.ts";
import { writable } from "./registry-read-only.ts";
import { type BannerFacts, formatBanner, formatCompletion } from "./reply.ts";
import { sessionOfTag } from "./session-tag.ts";
import type { UpdateStream } from "./stream.ts";

export interface SessionAuthentication {
  readonly verifier: Verifier;
  /** The mechanisms to offer on this connection now, in order. */
  offered(connection: Connection, context: ServerContext): readonly ServerMechanism[];
  /** The user the session acts as. Throws No when he may not log in here: only administrators may. */
  authorize(authenticated: Authenticated): string;
}

export interface SessionOptions {
  /** What a writer changes; on a replica only readable. */
  readonly registry: Registry | RegistryReader;
  readonly banner: BannerFacts;
  readonly authentication: SessionAuthentication;
  /** The certificate in force; undefined: STARTTLS is not offered. */
  readonly tls: () => ServerTls | undefined;
  /** What STATUS shows. */
  readonly status: () => ServerStatus;
  readonly failedLoginPauseMs: number;
  /** RFC 3656 §2: at least 15 minutes. */
  readonly idleMs: number;
  /** Silence before someone has logged in; 0 never ends it. */
  readonly loginIdleMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The last REPORT of a peer. */
export interface PeerTold {
  readonly role: PeerRole;
  readonly name: string;
  readonly report: PeerReport;
  /** By the monotonic clock. */
  readonly atMs: number;
}

const textLimit = 16 * 1024;
const largestLiteral = 1024 * 1024;
const largestLiteralBeforeLogin = 16 * 1024;
/** Answers of writes that may be outstanding on one connection before more commands are read. */
const mostUnanswered = 1024;
/** Input kept while a command runs before the peer is asked to wait. */
const mostInput = 256 * 1024;

export class ServerSession implements Receiver {
  readonly connection: Connection;
  readonly options: SessionOptions;
  readonly registry: Registry;
  readonly log: Log;
  /** By the monotonic clock. */
  readonly connectedAtMs: number;
  readonly #reader = new FrameReader({ maxText: textLimit });
  readonly #gone = new AbortController();
  #user: string | undefined;
  #stream: UpdateStream | undefined;
  #told: PeerTold | undefined;
  #isBusy = false;
  #answers: Promise<void> = Promise.resolve();
  #unanswered = 0;
  #lineWaiter: PromiseWithResolvers<string> | undefined;
  /** The peer will send nothing more. */
  #hasInputEnded = false;

  constructor(connection: Connection, options: SessionOptions) {
    this.connection = connection;
    this.options = options;
    this.registry = writable(options.registry);
    this.connectedAtMs = options.clock.monotonic();
    this.log = options.log.with({ peer: connection.remote.host });
  }

  /** Greets and begins to read. */
  start(): void {
    this.connection.setIdleTimeout(this.options.loginIdleMs);
    this.sendBanner();
    this.connection.attach(this);
  }

  get user(): string | undefined {
    return this.#user;
  }

  get stream(): UpdateStream | undefined {
    return this.#stream;
  }

  get told(): PeerTold | undefined {
    return this.#told;
  }

  /** Keeps what the peer says of itself. */
  take(told: Omit<PeerTold, "atMs">): void {
    this.#told = { ...told, atMs: this.options.clock.monotonic() };
  }

  /** Aborted when the connection is closed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Says goodbye and closes: the service is ending or not ready. */
  dismiss(text: string): void {
    this.connection.write(formatCompletion("*", "BYE", text));
    this.connection.close();
  }

  receive(bytes: Uint8Array): void {
    this.#reader.feed(bytes);
    this.#proceed();
    this.#reader.settle();
    if (this.#isBusy && this.#reader.buffered > mostInput) this.connection.pause();
  }

  /** The peer asks nothing more but still reads: what it asked is answered, then we hang up. */
  ended(): void {
    this.#hasInputEnded = true;
    this.#lineWaiter?.reject(new Bye("The connection was closed"));
    this.#lineWaiter = undefined;
    this.#closeIfDone();
  }

  closed(reason: CloseReason): void {
    this.#stream?.stop();
    this.#gone.abort(new Bye("The connection was closed"));
    this.#lineWaiter?.reject(new Bye("The connection was closed"));
    this.log.debug("mupdate session ended", { user: this.#user, reason: reason.kind });
  }

  idle(): void {
    this.dismiss("Idle for too long");
  }

  sendBanner(): void {
    const names = this.mechanisms().map((mechanism) => mechanism.name);
    this.connection.write(formatBanner(this.options.banner, names, this.#offers()));
  }

  /** The banner's lines besides the mechanisms, in Cyrus' order. */
  #offers(): readonly string[] {
    const { connection, options } = this;
    const offersTls = options.tls() !== undefined && connection.tls === undefined;
    return [
      ...(offersTls ? ["STARTTLS"] : []),
      ...(connection.isCompressed ? [] : [`COMPRESS "${compressionAlgorithm}"`]),
      "PARTIAL-UPDATE",
      `${extensionName} "${this.registry.position.feed}"`,
    ];
  }

  becomes(user: string): void {
    this.#user = user;
    this.connection.setIdleTimeout(this.options.idleMs);
    this.log.info("login", { user, tls: this.connection.tls !== undefined });
  }

  beginStream(stream: UpdateStream): void {
    this.#stream = stream;
  }

  /** What was received and not yet read, which is then forgotten. */
  takeInput(): Uint8Array {
    return this.#reader.takeRest();
  }

  /** The next line as it is: a response of the SASL exchange. */
  readLine(): Promise<string> {
    const waiter = Promise.withResolvers<string>();
    const line = this.#reader.nextLine();
    if (line !== undefined) waiter.resolve(line);
    else if (this.gone.aborted) waiter.reject(this.gone.reason);
    else if (this.#hasInputEnded) waiter.reject(new Bye("The connection was closed"));
    else this.#lineWaiter = waiter;
    return waiter.promise;
  }

  /** The mechanisms usable now, in the configured order. */
  mechanisms(): readonly ServerMechanism[] {
    return this.options.authentication.offered(this.connection, this.saslContext());
  }

  saslContext(): ServerContext {
    const { authentication, banner } = this.options;
    return contextOf(this.connection, { verifier: authentication.verifier, hostName: banner.hostName }, "mupdate");
  }

  /** Runs what has been received, one command after the other, until one of them has to wait. */
  #proceed(): void {
    if (this.#lineWaiter) {
      const line = this.#reader.nextLine();
      if (line === undefined) return;
      this.#lineWaiter.resolve(line);
      this.#lineWaiter = undefined;
      return;
    }
    while (!this.#isBusy && this.connection.isOpen) {
      const event = this.#reader.next();
      if (!event) return;
      const work = this.#take(event);
      if (!work) continue;
      this.#isBusy = true;
      void work.finally(() => {
        this.#isBusy = false;
        this.connection.resume();
        this.#proceed();
        this.#reader.settle();
        this.#closeIfDone();
      });
    }
  }

  /** After the peer's end: closes once all answers are written. */
  #closeIfDone(): void {
    if (this.#hasInputEnded && !this.#isBusy) void this.#answers.finally(() => this.connection.close());
  }

  #take(event: FrameEvent): Promise<void> | undefined {
    if (event.kind === "frame") return this.#run(event.frame);
    if (event.kind === "overflow") {
      return this.#refuse(parseHead(event.text)?.tag ?? "*", "Line too long");
    }
    const limit = this.#user === undefined ? largestLiteralBeforeLogin : largestLiteral;
    const total = event.head.literals.reduce((sum, literal) => sum + literal.size, event.size);
    if (total > limit) {
      this.#reader.refuse();
      return this.#refuse(parseHead(event.head.texts[0] ?? "")?.tag ?? "*", "Literal too large");
    }
    if (event.isSynchronizing) this.connection.write("+ go ahead\r\n");
    this.#reader.buffer();
    return undefined;
  }

  #run(frame: Frame): Promise<void> | undefined {
    const head = parseHead(frame.texts[0] ?? "");
    if (!head) return this.#refuse("*", refusalTexts.noCommand);
    const { tag, name } = head;
    if (name === "") return this.#refuse(tag, refusalTexts.nullCommand);
    const row = commandNamed(name);
    if (!row) return this.#refuse(tag, refusalTexts.unknown);
    if (row.state === "authenticated" && this.#user === undefined) return this.#refuse(tag, refusalTexts.loginFirst);
    const outcome = this.#start(row, head, frame);
    if (!row.isWrite) return outcome;
    // Writes run side by side so that one sync serves many of them; only too many of them hold the reader up.
    return this.#unanswered > mostUnanswered ? this.#answers : undefined;
  }

  #start(row: CommandRow, { tag, name, argumentsAt }: CommandHead, frame: Frame): Promise<void> {
    const begin = async (): Promise<string | undefined> => {
      const args = parseStrings(frame, argumentsAt, row.args, row.atomFault);
      if (this.#stream && !row.whileStreaming) throw new Bad(refusalTexts.streaming);
      const outcome = row.run(this, { tag, args });
      if (row.isWrite) this.#logWrite(name, tag, args[0], outcome);
      return outcome;
    };
    // A write is decided now, in the order of arrival; everything else first lets the writes before it be answered.
    const result = row.isWrite ? begin() : this.#answers.then(begin);
    const answered = this.#answer(tag, result, this.#answers);
    this.#unanswered += 1;
    this.#answers = answered.finally(() => {
      this.#unanswered -= 1;
    });
    return this.#answers;
  }

  /** What a client's session has caused is worth a line; what servers tell each other about themselves comes by thousands. */
  #logWrite(command: string, tag: string, mailbox: string | undefined, outcome: Promise<unknown>): void {
    const session = sessionOfTag(tag);
    const level = session === undefined ? "debug" : "info";
    if (!this.log.writes(level)) return;
    const fields = { command, mailbox, session, user: this.#user };
    outcome.then(
      () => this.log[level]("mupdate change", fields),
      (fault: unknown) => this.log[level]("mupdate change refused", { ...fields, reason: describeFault(fault) }),
    );
  }

  async #answer(tag: string, result: Promise<string | undefined>, before: Promise<void>): Promise<void> {
    try {
      const text = await result;
      await before;
      if (text !== undefined) this.#reply(tag, "OK", text);
    } catch (fault) {
      await before;
      this.#replyFault(tag, fault);
    }
  }

  #replyFault(tag: string, fault: unknown): void {
    if (fault instanceof Bad) {
      this.#reply(tag, "BAD", fault.message);
    } else if (fault instanceof No) {
      this.#reply(tag, "NO", fault.message);
    } else if (fault instanceof Bye) {
      this.dismiss(fault.message);
    } else {
      this.log.error("mupdate command failed", { tag, user: this.#user, reason: describeFault(fault) });
      this.#reply(tag, "NO", "Internal error");
    }
  }

  /** Refuses a line that names no runnable command, in its turn. */
  #refuse(tag: string, text: string): Promise<void> | undefined {
    if (this.#unanswered === 0) {
      this.#reply(tag, "BAD", text);
      return undefined;
    }
    this.#answers = this.#answers.then(() => this.#reply(tag, "BAD", text));
    return undefined;
  }

  #reply(tag: string, status: "OK" | "NO" | "BAD", text: string): void {
    this.connection.write(formatCompletion(tag, status, text));
  }
}
