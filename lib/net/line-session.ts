// The server's side of a protocol of lines (LMTP, POP3): commands run one after the other in the order they came, what
// comes meanwhile waits within a limit, and the end is polite. What the lines mean is the protocol's own business.

import { Bye, describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { newSessionId } from "../base/session-id.ts";
import type { CloseReason, Connection, Receiver } from "./connection.ts";
import { LineReader, overlongLine } from "./line-reader.ts";

/** Commands are shorter (RFC 5321 §4.5.3.1.4, RFC 2449 §4), responses of SASL are not (RFC 4954 §4, RFC 5034 §4). */
const maxLine = 12_288;
/** Input that may wait while a command runs, before the peer is told to stop. */
const maxWaitingInput = 64 * 1024;

export abstract class LineSession<Reply> implements Receiver {
  readonly connection: Connection;
  readonly id: string;
  log: Log;

  readonly #lines = new LineReader(maxLine);
  readonly #onEnd: () => void;
  #lineWaiter: PromiseWithResolvers<string> | undefined;
  #isBusy = false;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;
  #isTakenOver = false;
  #isDraining = false;
  /** The peer will send nothing more. */
  #hasInputEnded = false;

  /** `onEnd` is called once, when the connection is gone and everything is released. */
  protected constructor(connection: Connection, log: Log, onEnd: () => void) {
    this.connection = connection;
    this.#onEnd = onEnd;
    this.id = newSessionId();
    this.log = log.with({ session: this.id, client: connection.remote.host || "unix socket" });
  }

  // ---- what each protocol says

  abstract answer(reply: Reply): void;
  /** Runs one command. What it throws is answered with `replyTo`. */
  protected abstract run(line: string): Promise<void>;
  protected abstract replyTo(fault: unknown): Reply;
  protected abstract readonly lineTooLong: Reply;
  protected abstract readonly shuttingDown: Reply;
  /** The peer was silent for too long, and no command runs. */
  protected abstract silent(): void;
  /** Frees what the session holds; the connection is gone. */
  protected abstract release(): void | Promise<void>;

  /** Whether octets are expected now that are no lines; `takeOctets` then gets them. */
  protected get expectsOctets(): boolean {
    return false;
  }
  protected takeOctets(_octets: Uint8Array): void {}

  /** Whether nothing is under way that a service going down would wait for. */
  protected get isInterruptible(): boolean {
    return true;
  }

  // ---- what commands do

  /** The next line that is not a command. Rejects when the client is gone. */
  readLine(): Promise<string> {
    this.#lineWaiter = Promise.withResolvers();
    const { promise } = this.#lineWaiter;
    this.#offerLine();
    if (this.#isClosed || this.#hasInputEnded) this.#giveUpLine();
    return promise;
  }

  /** What a client pipelined behind STARTTLS must not be run. */
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

  /** The service is going down: what is under way may finish. */
  drain(): void {
    this.#isDraining = true;
    if (!this.#isBusy && !this.#isTakenOver && this.isInterruptible) this.end(this.shuttingDown);
  }

  // ---- input

  receive(bytes: Uint8Array): void {
    if (this.#isEnding) return;
    // Octets that are no lines go past the line reader.
    if (this.expectsOctets && !this.#isBusy && this.#lines.buffered === 0) this.takeOctets(bytes);
    else this.#lines.feed(bytes);
    this.#offerLine();
    this.#pump();
    if (this.#isBusy && this.#lines.buffered > maxWaitingInput) this.#pause();
  }

  /** The peer asks nothing more but still reads: what it asked is answered, then we hang up. */
  ended(): void {
    this.#hasInputEnded = true;
    this.#giveUpLine();
    this.#hangUpWhenDone();
  }

  closed(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = this.#isEnding = true;
    this.log.debug("disconnected", { reason: reason.kind });
    this.#giveUpLine();
    if (!this.#isBusy) void this.#release();
  }

  idle(): void {
    if (!this.#isBusy || this.#lineWaiter) this.silent();
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Gives back octets that were not used: they are read next. */
  protected unread(octets: Uint8Array): void {
    this.#lines.feed(octets);
  }

  /** Holds the input back until `work` is done. `holdsSocket` also lets the peer feel it. */
  protected work(work: Promise<void>, holdsSocket = false): void {
    this.#isBusy = true;
    if (holdsSocket) this.#pause();
    work
      .catch((fault: unknown) => {
        const reply = this.replyTo(fault);
        if (fault instanceof Bye) this.end(reply);
        else this.answer(reply);
      })
      .finally(() => this.#workDone());
  }

  /** Leaves the connection to another receiver, who gets what was not read. */
  protected handOver(take: (unread: Uint8Array) => Promise<void>): void {
    this.#isTakenOver = true;
    if (this.#isPaused) this.connection.resume();
    void take(this.#lines.takeRest()).then(this.#onEnd);
  }

  #offerLine(): void {
    const line = this.#lineWaiter && this.#lines.next();
    if (line === undefined) return;
    const waiter = this.#lineWaiter!;
    this.#lineWaiter = undefined;
    if (line === overlongLine) waiter.reject(new Bye("Line too long"));
    else waiter.resolve(line);
  }

  #giveUpLine(): void {
    this.#lineWaiter?.reject(new Bye("Connection closed"));
    this.#lineWaiter = undefined;
  }

  /** What is left in the input after its end is half a command or half a message. */
  #hangUpWhenDone(): void {
    if (!this.#hasInputEnded || this.#isBusy || this.#isEnding || this.#isTakenOver) return;
    this.#isEnding = true;
    this.connection.close();
  }

  /** Runs what is complete in the input until a command has to wait. */
  #pump(): void {
    while (!this.#isBusy && !this.#isEnding && !this.#isTakenOver) {
      if (this.expectsOctets) {
        if (this.#lines.buffered === 0) return;
        this.takeOctets(this.#lines.takeRest());
        continue;
      }
      const line = this.#lines.next();
      if (line === undefined) return;
      if (line === overlongLine) this.answer(this.lineTooLong);
      else this.work(this.run(line));
    }
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.connection.pause();
  }

  #workDone(): void {
    this.#isBusy = false;
    if (this.#isTakenOver) return;
    if (this.#isClosed) {
      void this.#release();
      return;
    }
    this.#pump();
    if (this.#isDraining) this.drain();
    this.#hangUpWhenDone();
    if (this.#isPaused && !this.#isBusy) {
      this.#isPaused = false;
      this.connection.resume();
    }
  }

  async #release(): Promise<void> {
    try {
      await this.release();
    } catch (fault) {
      this.log.error("session not released", { reason: describeFault(fault) });
    }
    this.#onEnd();
  }
}
