// One IMAP connection: its state, its input pump and its output. What commands do is in commands/; how a command finds
// its way is in dispatch.ts. A session runs one command at a time, in the order they came; only such as are passed on to the
// server of the selected mailbox may be several, and that server has the same duty (RFC 9051 §5.5).

import { Bye, describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { newSessionId } from "../base/session-id.ts";
import { greetingName } from "../config/product.ts";
import { type RightsReader, rightsReaderOf } from "../mailbox/effective-rights.ts";
import { Namespace } from "../mailbox/namespace.ts";
import type { Completion, Links, Remote } from "../mailbox/place.ts";
import type { CloseReason, Connection, Receiver } from "../net/connection.ts";
import type { DeferringVerifier, UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { Identity } from "../sasl/identity.ts";
import type { Verifier } from "../sasl/mechanism.ts";
import { FrameReader } from "../wire/frame-reader.ts";
import { formatCapabilities } from "./capability.ts";
import { Dispatcher } from "./dispatch.ts";
import { Interludes } from "./interludes.ts";
import type { Notifier } from "./notify/notifier.ts";
import { Relaying } from "./relaying.ts";
import { statusLine } from "./reply.ts";
import type { Command } from "./row.ts";
import type { Selection } from "./selection.ts";
import type { ImapServer } from "./server.ts";

/** Octets of all texts of one command; RFC 7162 §4 asks for at least 8192. */
const maxCommandText = 65_536;
/** Input that may wait while a command runs, before the peer is told to stop. */
const maxWaitingInput = 65_536;

export class Session implements Receiver {
  readonly server: ImapServer;
  readonly connection: Connection;
  readonly id: string;
  log: Log;
  /** Undefined until login. */
  identity: Identity | undefined;
  /** What the client wants to hear without asking (RFC 5465). */
  notifier: Notifier | undefined;
  /** The server of the selected mailbox went away, and nothing has been selected since. */
  hasLostMailbox = false;
  /** Upper-case names of what ENABLE switched on. */
  readonly enabled = new Set<string>();
  /** The client used RLIST or RLSUB: it understands referrals (RFC 2193). */
  understandsReferrals = false;
  /** Set by LOGOUT and faults: nothing more is read. */
  isEnding = false;
  /** The way to other servers. */
  readonly relaying = new Relaying(this);
  /** What is done between two commands. */
  readonly interludes = new Interludes(this);

  readonly #reader = new FrameReader({ maxText: maxCommandText });
  readonly #dispatcher: Dispatcher;
  #selection: Selection | undefined;
  #namespace: Namespace | undefined;
  #rights: RightsReader | undefined;
  #isBusy = false;
  /** A command runs that is done at once. */
  #isTaking = false;
  #isPaused = false;
  #pendingAtIdle = 0;
  /** The client will send nothing more. */
  #hasInputEnded = false;
  /** Gets the connection when the running command has ended. */
  #successor: ((unread: Uint8Array) => Promise<void>) | undefined;
  #verifier: DeferringVerifier | undefined;
  #lineWaiter: { resolve(line: string): void; reject(reason: unknown): void } | undefined;
  readonly #closeListeners = new Set<() => void>();
  #isClosed = false;
  #onEnd: () => void;

  /** `onEnd` is called once, when the connection is gone and everything is released. */
  constructor(server: ImapServer, connection: Connection, onEnd: () => void = () => {}) {
    this.server = server;
    this.connection = connection;
    this.id = newSessionId();
    this.log = server.log.with({ session: this.id, client: connection.remote.host });
    this.#dispatcher = new Dispatcher(this, this.#reader);
    this.#onEnd = onEnd;
  }

  /** Greets the client and begins to read. */
  start(): void {
    const { config, version } = this.server;
    const name = config.serverinfo === "off" ? "" : `${greetingName(config, version)} `;
    this.connection.setIdleTimeout(config.login_timeout * 1000);
    this.send(statusLine("*", "OK", formatCapabilities(this), `${name}server ready`));
    this.connection.attach(this);
  }

  /** Refuses the connection politely, before any command (too many connections, shutting down). */
  static refuse(connection: Connection, text: string): void {
    connection.write(statusLine("*", "BYE", "UNAVAILABLE", text));
    connection.close();
  }

  // ---- output

  /** Sends wire text (latin1) or octets. Returns false when the client is slow: await `drained()` before sending bulk. */
  send(bytes: string | Uint8Array): boolean {
    return this.connection.write(bytes);
  }

  /** Sends one untagged response, without "* " and CRLF. */
  untagged(text: string): void {
    this.connection.write(`* ${text}\r\n`);
  }

  drained(): Promise<void> {
    return this.connection.drained();
  }

  // ---- state

  /** Checks passwords at the login. */
  get verifier(): Verifier {
    const { homes, verifier } = this.server;
    if (!homes) return verifier;
    this.#verifier ??= homes.newVerifier();
    return this.#verifier;
  }

  /** What the login that was just accepted leaves to the user's home server to check. */
  takeProof(): UncheckedProof | undefined {
    return this.#verifier?.takeProof();
  }

  /** The client is gone. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isAuthenticated(): boolean {
    return this.identity !== undefined;
  }

  /** Who the session acts for; a defect before login. */
  get user(): Identity {
    if (!this.identity) throw new Error("not authenticated");
    return this.identity;
  }

  get namespace(): Namespace {
    if (!this.#namespace) throw new Error("not authenticated");
    return this.#namespace;
  }

  /** Computes what the user may do with a mailbox. */
  get rights(): RightsReader {
    if (!this.#rights) throw new Error("not authenticated");
    return this.#rights;
  }

  /** Enters the authenticated state. */
  login(identity: Identity): void {
    const { config } = this.server;
    this.identity = identity;
    // Administrators see the standard namespace, also when a frontend speaks for them without their power.
    this.#namespace = new Namespace({ ...identity, isAdmin: config.admins.includes(identity.user) }, config);
    this.#rights = rightsReaderOf(identity, config);
    this.log = this.log.with({ user: identity.user });
    this.log.info("login", { by: identity.authenticated, tls: this.connection.tls?.protocol });
    this.connection.setIdleTimeout(config.timeout * 1000);
  }

  get selection(): Selection | undefined {
    return this.#selection;
  }

  set selection(selection: Selection | undefined) {
    const before = this.#selection;
    this.#selection = selection;
    if (before !== selection) this.notifier?.selectionChanged(before);
  }

  /** Leaves the selected state without a word to the client. */
  deselect(): void {
    if (this.selection?.kind === "here") this.selection.local.close();
    this.relaying.forgetLost();
    this.selection = undefined;
    this.hasLostMailbox = false;
  }

  // ---- other servers

  get links(): Links {
    return this.relaying.links;
  }

  /** Passes a command on as it came and its untagged answers back as they come. */
  relay(command: Command, remote: Remote): Promise<Completion> {
    return this.relaying.relay(command, remote);
  }

  /** No command is under way at the selected mailbox's server any more. */
  streamEnded(): void {
    if (this.#isBusy || this.isEnding) return;
    this.#onBusyEnd?.();
    if (this.takeInterlude()) return;
    if (this.#hasInputEnded) this.hangUp();
  }

  // ---- input

  /** The next line that is not a command: a SASL response, IDLE's DONE. Rejects when the client is gone. */
  readLine(): Promise<string> {
    const line = this.#reader.nextLine();
    if (line !== undefined) return Promise.resolve(line);
    this.#reader.settle();
    if (this.#isClosed || this.#hasInputEnded) return Promise.reject(new Bye("Connection closed"));
    return new Promise((resolve, reject) => {
      this.#lineWaiter = { resolve, reject };
    });
  }

  /** Leaves the connection, as soon as the running command has ended, to somebody else, who gets what was not read. */
  handOver(successor: (unread: Uint8Array) => Promise<void>): void {
    this.#successor = successor;
  }

  /** Forgets everything received: what a client pipelined behind STARTTLS must not be run. */
  discardInput(): void {
    this.#reader.takeRest();
  }

  /** Calls back once when the client is gone. Returns the way to stop. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  receive(bytes: Uint8Array): void {
    if (this.isEnding) return;
    this.#reader.feed(bytes);
    if (this.#lineWaiter) {
      const line = this.#reader.nextLine();
      if (line !== undefined) {
        const waiter = this.#lineWaiter;
        this.#lineWaiter = undefined;
        this.#reader.settle();
        waiter.resolve(line);
        return;
      }
      if (this.#reader.buffered > maxCommandText) this.end("Line too long");
    } else if (!this.#isBusy) {
      this.#pump();
    }
    this.#reader.settle();
    if (this.#isBusy && this.#reader.buffered > maxWaitingInput && !this.#isPaused) {
      this.#isPaused = true;
      this.connection.pause();
    }
  }

  /** The client asks nothing more but still reads: what it asked is answered, then we hang up. */
  ended(): void {
    this.#hasInputEnded = true;
    this.#lineWaiter?.reject(new Bye("Connection closed"));
    this.#lineWaiter = undefined;
    if (!this.#isWorking) this.hangUp();
  }

  closed(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.isEnding = true;
    this.log.debug("disconnected", { reason: reason.kind });
    this.#dispatcher.abort();
    this.#lineWaiter?.reject(new Bye("Connection closed"));
    this.#lineWaiter = undefined;
    for (const listener of this.#closeListeners) listener();
    this.#closeListeners.clear();
    if (!this.#isBusy) this.#release();
    else if (this.#dispatcher.isStreaming) this.relaying.closeAll();
  }

  /** A long answer is not silence, as long as the client takes some of it between two calls. */
  idle(): void {
    const { pendingBytes } = this.connection;
    const isTaking = pendingBytes === 0 || pendingBytes !== this.#pendingAtIdle;
    this.#pendingAtIdle = pendingBytes;
    if (this.#isWorking && !this.#lineWaiter && isTaking) return;
    this.end(this.isAuthenticated ? "Idle for too long" : "Login took too long");
  }

  /** Says BYE, unless it would be taken for a part of a message, and hangs up. */
  end(text: string): void {
    if (this.isEnding) return;
    this.isEnding = true;
    if (!this.relaying.isInsideResponse) this.send(statusLine("*", "BYE", undefined, text));
    this.connection.close();
  }

  /** Closes once everything said so far is out. */
  hangUp(): void {
    this.isEnding = true;
    this.connection.close();
  }

  /** The service is going down: idle sessions hear it now, busy ones after their command. */
  drain(): void {
    if (this.#isWorking && !this.#lineWaiter) this.#onBusyEnd = () => this.end("Server shutting down");
    else this.end("Server shutting down");
  }
  #onBusyEnd: (() => void) | undefined;

  /** Does what has been waiting for a moment between two commands, if this is one; the next command comes after it. */
  takeInterlude(): boolean {
    const isBetween = !this.#isWorking && !this.#isTaking && !this.#dispatcher.isReceiving;
    if (!isBetween || this.isEnding || !this.interludes.isWanted) return false;
    this.#work(this.interludes.run());
    return true;
  }

  /** Whether the client waits for an answer. */
  get #isWorking(): boolean {
    return this.#isBusy || this.#dispatcher.isStreaming;
  }

  /** Runs what is complete in the input until a command has to wait. */
  #pump(): void {
    while (!this.isEnding) {
      const event = this.#reader.next();
      if (!event) {
        const { waiting } = this.#reader;
        if (waiting) this.#work(waiting);
        else if (this.#hasInputEnded && !this.#dispatcher.isStreaming) this.hangUp();
        return;
      }
      this.#isTaking = true;
      const work = this.#dispatcher.take(event);
      this.#isTaking = false;
      if (work) this.#work(work);
      if (work || this.takeInterlude()) return;
    }
  }

  /** Holds the input back until `work` is done. The dispatcher answers every fault itself: a rejection is a defect. */
  #work(work: Promise<void>): void {
    this.#isBusy = true;
    work
      .catch((fault) => {
        if (this.#isClosed) return;
        this.log.error("session failed", { error: describeFault(fault) });
        this.end(fault instanceof Bye ? fault.message : "Internal error");
      })
      .finally(() => this.#workDone());
  }

  #workDone(): void {
    this.#isBusy = false;
    if (this.#successor) {
      this.#leaveTo(this.#successor);
      return;
    }
    if (this.#isClosed) {
      this.#release();
      return;
    }
    if (!this.#dispatcher.isStreaming) {
      this.#onBusyEnd?.();
      if (this.takeInterlude()) return;
    }
    this.#pump();
    this.#reader.settle();
    if (this.#isPaused && !this.#isBusy) {
      this.#isPaused = false;
      this.connection.resume();
    }
  }

  /** Whoever takes a connection that is closed by now is told so. */
  #leaveTo(successor: (unread: Uint8Array) => Promise<void>): void {
    this.isEnding = true;
    this.connection.setIdleTimeout(0); // the other server watches over it
    if (this.#isPaused) this.connection.resume();
    successor(this.#reader.takeRest())
      .catch((fault: unknown) => {
        this.log.error("relay failed", { error: describeFault(fault) });
        this.connection.destroy();
      })
      .finally(() => this.#release());
  }

  #release(): void {
    this.notifier?.close();
    this.notifier = undefined;
    this.deselect();
    this.relaying.closeAll();
    this.#onEnd();
  }
}
