// The client side of one IMAP connection: what a frontend does with a backend. Commands may be pipelined; answers are
// streamed to whoever asked, unparsed unless the command is one of our own (RFC 9051 §2.2.1, §5.5).

import { fromLatin1 } from "../base/bytes.ts";
import { describeFault, No } from "../base/fault.ts";
import type {
  Completion,
  CountListener,
  RelayedCommand,
  Remote,
  ReplySink,
  StreamSink,
  UntaggedResponse,
} from "../mailbox/place.ts";
import type { CloseReason, Connection, Receiver } from "../net/connection.ts";
import type { Frame } from "../wire/frame.ts";
import { ReplyScanner } from "../wire/reply-scanner.ts";
import { formatLiteralMarker } from "../wire/writer.ts";
import { Collector, ContinuationGate } from "./collector.ts";
import { Unasked } from "./unasked.ts";

/** A command under way: one of a stream, or one that somebody waits for. */
type Running =
  | { readonly tag: string; readonly sink: StreamSink; readonly done: undefined }
  | { readonly tag: string; readonly sink: ReplySink; readonly done: PromiseWithResolvers<Completion> };

export class ImapClient implements Remote, Receiver {
  capabilities: ReadonlySet<string> = new Set();
  isOpen = true;
  /** Why the server closed the connection, if it said so. */
  byeText: string | undefined;
  readonly #connection: Connection;
  /** Bounds the silence of the server while it owes an answer. */
  responseTimeoutMs: number;
  readonly #running: Running[] = [];
  readonly #lostListeners: (() => void)[] = [];
  readonly #unasked = new Unasked();
  /** Takes unasked responses, the last of which is not complete yet. */
  #taker: { readonly sink: ReplySink; readonly done: PromiseWithResolvers<void> } | undefined;
  #countListener: CountListener | undefined;
  #tags = 0;
  #isHeldUp = false;
  readonly #scanner = new ReplyScanner({
    data: (bytes) => this.#data(bytes),
    continuation: (text) => {
      this.#connection.setIdleTimeout(0); // it waits for us now: IDLE may last
      this.#running[0]?.sink.continuation(text);
    },
    tagged: (tag, rest) => this.#tagged(tag, rest),
    bye: (text) => {
      this.byeText = text;
    },
    passes: (line) => this.#passes(line),
    passed: () => this.#passed(),
    counts: (line) => this.#counts(line),
    missed: () => this.#countListener?.missed(),
  });

  constructor(
    readonly server: string,
    connection: Connection,
    responseTimeoutMs: number,
  ) {
    this.#connection = connection;
    this.responseTimeoutMs = responseTimeoutMs;
    connection.attach(this);
  }

  get isInsideResponse(): boolean {
    return this.#scanner.isInsideResponse;
  }

  onLost(listener: () => void): void {
    if (this.isOpen) this.#lostListeners.push(listener);
    else listener();
  }

  onUnasked(listener: (() => void) | undefined): void {
    this.#unasked.listener = listener;
    if (!this.#unasked.isEmpty && this.#running.length === 0) listener?.();
  }

  async takeUnasked(sink: ReplySink): Promise<void> {
    if (this.#unasked.isEmpty || this.#running.length > 0 || this.#taker) return;
    this.#deliverUnasked(sink);
    if (!this.#scanner.isInsideResponse) return;
    if (!this.isOpen) {
      sink.cut?.();
      throw lost(this.server);
    }
    this.#taker = { sink, done: Promise.withResolvers<void>() };
    this.#connection.setIdleTimeout(this.responseTimeoutMs);
    await this.#taker.done.promise;
  }

  onCount(listener: CountListener | undefined): void {
    this.#countListener = listener;
    this.#scanner.fetchesFrom = Number.POSITIVE_INFINITY;
  }

  // ---- commands

  begin(tag: string, sink: ReplySink): RelayedCommand {
    const done = Promise.withResolvers<Completion>();
    done.promise.catch(() => {}); // whoever awaits `completion` hears it; a sender in the middle need not
    if (!this.isOpen) {
      done.reject(lost(this.server));
    } else {
      this.#start({ tag, sink, done });
    }
    return { send: (bytes) => this.#send(bytes), completion: done.promise };
  }

  stream({ texts, literals }: Frame, sink: StreamSink): void {
    if (!this.isOpen) return;
    const [text = ""] = texts;
    this.#start({ tag: tagOf(text), sink, done: undefined });
    for (const [at, literal] of literals.entries()) {
      if (!literal.bytes) throw new Error("a streamed literal cannot be relayed as a frame");
      this.#connection.write(texts[at] + formatLiteralMarker(literal.size, literal.isBinary, true));
      this.#connection.write(literal.bytes);
    }
    this.#connection.write(`${texts.at(-1)}\r\n`);
  }

  async relay(frame: Frame, sink: ReplySink): Promise<Completion> {
    const [text = ""] = frame.texts;
    const tag = tagOf(text);
    if (frame.literals.length === 0) {
      const command = this.begin(tag, sink);
      void command.send(`${text}\r\n`);
      return command.completion;
    }
    const parts = frame.texts.flatMap((text, at) => {
      const literal = frame.literals[at];
      return literal ? [text, literal] : [text];
    });
    const gate = new ContinuationGate(sink);
    const command = this.begin(tag, gate);
    await this.#sendParts(parts, command, gate);
    return command.completion;
  }

  async command(
    parts: readonly (string | Uint8Array)[],
  ): Promise<Completion & { readonly untagged: readonly UntaggedResponse[] }> {
    this.#tags += 1;
    const tag = `P${this.#tags}`;
    const collector = new Collector();
    const gate = new ContinuationGate(collector);
    const command = this.begin(tag, gate);
    const literals = parts.map((part) =>
      typeof part === "string" ? part : { size: part.length, isBinary: false, bytes: part },
    );
    await this.#sendParts([`${tag} `, ...literals], command, gate);
    return { ...(await command.completion), untagged: collector.responses };
  }

  /** An exchange of lines: `answer` gets each continuation and returns the line to send. */
  async converse(text: string, answer: (continuation: string) => string): Promise<Completion> {
    this.#tags += 1;
    const tag = `P${this.#tags}`;
    const command = this.begin(tag, {
      data: () => true,
      drained: async () => {},
      continuation: (challenge) => void command.send(`${answer(challenge)}\r\n`),
    });
    void command.send(`${tag} ${text}\r\n`);
    return command.completion;
  }

  /** Resolves with the greeting's text behind "* ". Call before anything else. */
  async greeting(): Promise<string> {
    const collector = new Collector();
    const first = Promise.withResolvers<Completion>();
    this.#connection.setIdleTimeout(this.responseTimeoutMs);
    const sink: ReplySink = {
      data: (bytes) => {
        collector.data(bytes);
        if (collector.responses.length > 0) first.resolve({ status: "OK", text: "" });
        return true;
      },
      drained: async () => {},
      continuation: () => {},
    };
    this.#running.push({ tag: "", sink, done: first });
    this.#deliverUnasked(sink);
    await first.promise;
    this.#running.shift();
    return collector.responses[0]?.frame.texts[0] ?? "";
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** Resolves when all commands so far have been answered, or the connection is lost: check `isOpen`. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.map(({ done }) => done?.promise));
  }

  /**
   * Leaves the connection to another receiver, who has to attach himself at once: gives what came and was not asked for.
   * Nothing may be under way.
   */
  release(): Uint8Array {
    this.isOpen = false;
    this.#lostListeners.length = 0;
    return Buffer.concat([this.#unasked.takeAll(), this.#scanner.takeHeld()]);
  }

  /** Says goodbye and closes, whether it is heard or not. */
  close(): void {
    if (!this.isOpen) return;
    this.#connection.write("Q LOGOUT\r\n");
    this.#connection.close();
    this.#end();
  }

  #start(command: Running): void {
    if (this.#running.push(command) > 1) return;
    this.#connection.setIdleTimeout(this.responseTimeoutMs);
    if (!this.#unasked.isEmpty) this.#deliverUnasked(command.sink);
  }

  async #sendParts(
    parts: readonly (
      | string
      | { readonly size: number; readonly isBinary: boolean; readonly bytes: Uint8Array | undefined }
    )[],
    command: RelayedCommand,
    gate: ContinuationGate,
  ): Promise<void> {
    const isPlus = this.capabilities.has("LITERAL+");
    for (const part of parts) {
      if (typeof part === "string") {
        void command.send(part);
        continue;
      }
      if (!part.bytes) throw new Error("a streamed literal cannot be relayed as a frame");
      void command.send(formatLiteralMarker(part.size, part.isBinary, isPlus));
      // Without LITERAL+ the server invites each literal, or ends the command at once.
      if (!isPlus && !(await gate.invited(command.completion))) return;
      await command.send(part.bytes);
    }
    await command.send("\r\n");
  }

  #send(bytes: Uint8Array | string): Promise<void> | undefined {
    if (!this.isOpen) return undefined;
    // A server that is still being told what to do owes no answer yet.
    if (this.#running.length > 0) this.#connection.setIdleTimeout(this.responseTimeoutMs);
    return this.#connection.write(bytes) ? undefined : this.#connection.drained();
  }

  // ---- answers

  receive(bytes: Uint8Array): void {
    this.#scanner.feed(bytes);
    if (this.#taker && !this.#scanner.isInsideResponse) {
      this.#connection.setIdleTimeout(0);
      this.#taker.done.resolve();
      this.#taker = undefined;
    }
    if (!this.#unasked.isEmpty && this.#running.length === 0 && !this.#taker) this.#unasked.listener?.();
  }

  closed(reason: CloseReason): void {
    if (this.isOpen) this.#end(reason.kind === "error" ? describeFault(reason.error) : reason.kind);
  }

  /** What we do not read is not the server's silence: a client that takes an hour for a message may. */
  idle(): void {
    if ((this.#running.length === 0 && !this.#taker) || this.#isHeldUp) return;
    this.#end("did not answer in time");
    this.#connection.destroy();
  }

  #data(bytes: Uint8Array): void {
    const { sink } = this.#taker ?? this.#running[0] ?? {};
    if (!sink) {
      this.#keepUnasked(bytes);
      return;
    }
    if (!sink.data(bytes) && !this.#isHeldUp) this.#holdUp(sink);
  }

  /** Reads no more until the sink can take it: the other server waits, and nobody else. */
  #holdUp(sink: ReplySink): void {
    this.#isHeldUp = true;
    this.#connection.pause();
    void sink.drained().then(() => {
      this.#isHeldUp = false;
      this.#connection.resume();
    });
  }

  #keepUnasked(bytes: Uint8Array): void {
    if (this.#unasked.keep(bytes)) return;
    if (this.#unasked.listener) this.#connection.pause();
    else this.#connection.destroy();
  }

  #counts(line: Uint8Array): void {
    const listener = this.#countListener;
    if (!listener) return;
    if (this.#running.length > 0 || this.#taker) listener.hear(line);
    else this.#unasked.keepCount(line);
    this.#scanner.fetchesFrom = listener.fetchesFrom;
  }

  #deliverUnasked(sink: ReplySink): void {
    const mayGoOn = this.#unasked.deliver(sink, this.#countListener);
    if (!mayGoOn && !this.#isHeldUp) this.#holdUp(sink);
    else if (!this.#isHeldUp) this.#connection.resume();
  }

  /** Lets the tagged line of a stream's command go on with its data. */
  #passes(line: Buffer): "on" | "last" | "no" {
    const command = this.#running[0];
    if (!command || command.done) return "no";
    const status = statusAfter(command.tag, line);
    if (status === undefined || (status === "NO" && isReferral(line, command.tag))) return "no";
    command.sink.ended(command.tag, status);
    if (this.#running[1]?.sink !== command.sink) return "last";
    this.#running.shift();
    return "on";
  }

  #passed(): void {
    const command = this.#running.shift();
    if (this.#running.length === 0) this.#connection.setIdleTimeout(0);
    if (command && !command.done) command.sink.settled();
  }

  #tagged(tag: string, rest: string): void {
    const command = this.#running[0];
    const found = /^(OK|NO|BAD)(?: |$)/i.exec(rest);
    if (command && !command.done && command.tag === tag && found?.[1]?.toUpperCase() === "NO") {
      command.sink.ended(tag, "NO");
      command.sink.data(fromLatin1(`${tag} NO ${command.sink.referral(rest.slice(3))}\r\n`));
      if (this.#running[1]?.sink === command.sink) this.#running.shift();
      else this.#passed();
      return;
    }
    if (!command?.done || command.tag !== tag || !found) {
      this.#connection.destroy(); // an answer to something we did not ask: nothing after it can be trusted
      return;
    }
    this.#running.shift();
    if (this.#running.length === 0) this.#connection.setIdleTimeout(0);
    const status = statuses[found[1]?.toUpperCase() ?? ""];
    command.done.resolve({ status: status ?? "BAD", text: rest.slice(found[0].length) });
  }

  #end(reason?: string): void {
    this.isOpen = false;
    const waiting = this.#running.splice(0);
    if (this.#scanner.isInsideResponse) (this.#taker ?? waiting[0])?.sink.cut?.();
    this.#taker?.done.reject(lost(this.server, reason));
    this.#taker = undefined;
    let told: StreamSink | undefined;
    for (const { sink, done } of waiting) {
      if (done) done.reject(lost(this.server, reason));
      else if (sink !== told) {
        told = sink;
        sink.lost(lost(this.server, reason));
      }
    }
    for (const listener of this.#lostListeners.splice(0)) listener();
  }
}

const statuses: Readonly<Record<string, Completion["status"]>> = { OK: "OK", NO: "NO", BAD: "BAD" };

function tagOf(text: string): string {
  return text.slice(0, Math.max(0, text.indexOf(" ")));
}

/** The status in a tagged line; undefined when it is not this tag's. Hot path: nothing is made of the line. */
function statusAfter(tag: string, line: Buffer): Completion["status"] | undefined {
  const at = tag.length + 1;
  for (let index = 0; index < tag.length; index += 1) if (line[index] !== tag.charCodeAt(index)) return undefined;
  if (line[tag.length] !== 0x20) return undefined;
  const length = (line[at]! & 0xdf) === 0x42 /* B */ ? 3 : 2;
  const after = line[at + length];
  if (after !== 0x20 && after !== 0x0d && after !== 0x0a) return undefined;
  return statuses[line.latin1Slice(at, at + length).toUpperCase()];
}

/** Whether a tagged NO has that code (RFC 2193). */
function isReferral(line: Buffer, tag: string): boolean {
  return line.toString("latin1", tag.length + 4, tag.length + 14).toUpperCase() === "[REFERRAL ";
}

function lost(server: string, reason?: string): No {
  return new No("UNAVAILABLE", "Server(s) unavailable to complete operation", {
    cause: new Error(`lost connection to "${server}"${reason ? `: ${reason}` : ""}`),
  });
}
